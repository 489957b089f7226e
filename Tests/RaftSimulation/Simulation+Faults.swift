package import Raft

extension Simulation {
    func injectFault() {
        let member = members[Int(random.below(UInt64(members.count)))]
        trace.note("fault", now, member.id.value)
        switch random.below(10) {
        case 0...1 where options.crashes && member.driver != nil:
            powerOff(member, for: 20_000_000 + random.below(1_500_000_000))
        case 2...3 where options.crashes && member.driver != nil:
            member.disk.operationsUntilPowerLoss = 1 + Int(random.below(25))
        case 4 where options.crashes:
            member.pausedUntil = now + random.below(1_500_000_000)
        case 5...6 where options.partitions:
            isolateSome()
        case 7 where options.partitions:
            cut(from: member.id, to: members[Int(random.below(UInt64(members.count)))].id)
        case 8 where options.fullDisks && random.below(3) == 0:
            member.disk.freeBytes = member.disk.freeBytes == nil ? Int(random.below(6000)) : nil
        default:
            network.cutLinks = []
            for member in members { member.disk.freeBytes = nil }
        }
        compareLogs()
    }

    package func cut(from: NodeID, to: NodeID) {
        network.cutLinks.insert(.init(from: from, to: to))
    }

    package func repair(from: NodeID, to: NodeID) {
        network.cutLinks.remove(.init(from: from, to: to))
    }

    /// Both directions between `member` and all others.
    package func isolate(_ member: NodeID) {
        for other in members where other.id != member {
            cut(from: member, to: other.id)
            cut(from: other.id, to: member)
        }
    }

    package func repairAll() { network.cutLinks = [] }

    /// The member stands still, as with a hanging disk; nothing is lost.
    package func pause(_ member: SimulatedMember, for duration: UInt64) { member.pausedUntil = now + duration }

    package func lose(percent: UInt64) { network.lossPercent = percent }

    /// A client's proposal to `member`, which must be up.
    package func propose(to member: SimulatedMember) throws {
        guard let driver = member.driver else { return }
        driver.advance(to: MonotonicInstant(nanoseconds: now))
        propose(driver)
        run(member)
        try check()
    }

    /// A client's read from `member`.
    package func read(from member: SimulatedMember) throws {
        guard let driver = member.driver else { return }
        driver.advance(to: MonotonicInstant(nanoseconds: now))
        read(driver)
        run(member)
        try check()
    }

    private func isolateSome() {
        let group = members.map { _ in random.below(2) == 0 }
        for (left, isLeft) in zip(members, group) {
            for (right, isRight) in zip(members, group) where isLeft != isRight { cut(from: left.id, to: right.id) }
        }
    }

    func compareLogs() {
        for (position, left) in members.enumerated() {
            for right in members.dropFirst(position + 1) {
                guard let left = left.driver?.core, let right = right.driver?.core else { continue }
                note(Ledger.compare(left, right))
            }
        }
    }

    func actAsClient() {
        // Clients mostly find the leader, and ask others now and then.
        let any = members[Int(random.below(UInt64(members.count)))]
        let member = random.below(4) == 0 ? any : leader ?? any
        guard let driver = member.driver, member.pausedUntil <= now else { return }
        driver.advance(to: MonotonicInstant(nanoseconds: now))
        switch random.below(16) {
        case 0...3: read(driver)
        case 4 where options.spares > 0: changeMembers(driver)
        default: for _ in 0...random.below(4) { propose(driver) }
        }
        run(member)
    }

    func propose(_ driver: RaftDriver) {
        let token = takeToken()
        var payload = withUnsafeBytes(of: token.littleEndian) { Array($0) }
        payload += [UInt8](repeating: 0x5a, count: Int(random.below(60)))
        proposals[token] = payload
        trace.note("propose", now, driver.core.id.value, token)
        driver.propose(payload, token: token)
    }

    func read(_ driver: RaftDriver) {
        let token = takeToken()
        reads[token] = ledger.highestAcknowledged
        trace.note("read", now, driver.core.id.value, token)
        driver.read(token: token)
    }

    private func changeMembers(_ driver: RaftDriver) {
        let member = members[Int(random.below(UInt64(members.count)))]
        let isVoter = driver.core.configuration.contains(member.id)
        // Never fewer than three, so that one crash leaves a quorum.
        if isVoter && driver.core.configuration.voters.count <= 3 { return }
        let change: MembershipChange =
            isVoter ? .remove(member.id) : .add(Member(id: member.id, address: "m\(member.id)"))
        trace.note("change", now, driver.core.id.value, member.id.value)
        driver.propose(change, token: takeToken())
    }

    private func takeToken() -> UInt64 {
        defer { nextToken += 1 }
        return nextToken
    }

    /// All faults end. The group must elect, write, and agree everywhere; everything acknowledged must be there.
    package func heal() throws {
        isHealed = true
        network.cutLinks = []
        network.lossPercent = 0
        network.repeatPercent = 0
        network.slowPercent = 0
        for member in members {
            member.disk.freeBytes = nil
            member.disk.operationsUntilPowerLoss = nil
            member.pausedUntil = 0
            if member.driver == nil { member.restartAt = now }
        }
        trace.note("heal", now)
        let acknowledged = ledger.acknowledged
        let end = now + options.healMilliseconds * 1_000_000
        while now < end {
            try run(until: now + 100_000_000)
            if let driver = leader?.driver, driver.core.followers.count + 1 >= driver.core.configuration.quorum {
                driver.advance(to: MonotonicInstant(nanoseconds: now))
                propose(driver)
                read(driver)
                if let leader { run(leader) }
            }
            try run(until: now + 100_000_000)
            if ledger.acknowledged > acknowledged, try hasConverged() { return }
        }
        let views = members.map { member in
            guard let core = member.driver?.core else { return "\(member.id) down" }
            return "\(member.id) \(core.role) term \(core.term) last \(core.lastIndex) commit \(core.commitIndex) "
                + "applied \(member.machine.appliedIndex)"
        }
        throw SimulationFailure(
            seed: seed, time: now, message: "liveness: no convergence after healing: " + views.joined(separator: "; "))
    }

    private func hasConverged() throws -> Bool {
        compareLogs()
        for member in members {
            let state = member.machine.state
            if let expected = ledger.state(at: state.index), expected != state {
                note("state machine safety: \(member.id) is at \(state), the group at \(expected)")
            }
        }
        try check()
        guard let leader, let core = leader.driver?.core, core.commitIndex == core.lastIndex,
            core.commitIndex > 0, core.term(at: core.commitIndex) == core.term,
            ledger.highestAcknowledged <= core.commitIndex
        else { return false }
        for member in members where core.configuration.contains(member.id) {
            guard member.machine.state == leader.machine.state, member.machine.appliedIndex == core.commitIndex else {
                return false
            }
        }
        return true
    }
}
