package import Raft

extension Simulation {
    func injectFault() {
        guard !faults.isEmpty else { return }
        let fault = faults[Int(random.below(UInt64(faults.count)))]
        // What happens to a leader shows more than what happens to a follower.
        let member = random.below(3) == 0 ? leader ?? anyMember : anyMember
        trace.note("fault", now, member.id.value)
        trace.explain("\(fault)")
        switch fault {
        case .powerOff, .powerLossMidway, .kill, .pause, .bitFlip: endOrPause(member, fault)
        case .partition, .cutLink, .cutPair, .isolation, .deafness, .clog, .noise: disturbLinks(of: member, fault)
        case .drift: drift(member)
        case .clockLeap: member.clock.leap(by: random.below(3_000_000_000))
        case .fullDisk: member.disk.freeBytes = Int(random.below(6000))
        case .stuckDisk:
            member.disk.operationsUntilStall = 1 + Int(random.below(25))
            member.disk.stallNanoseconds = random.below(2_500_000_000)
        case .diskError: member.disk.operationsUntilError = 1 + Int(random.below(60))
        case .forgetLeader:
            if member.driver != nil { give(.request { $0.forgetLeader() }, to: member) }
        case .falseDeath: declareDead()
        case .leaseSwitch: switchLease(of: member)
        case .transfer: transferLeadership()
        case .shortReign, .narrowReign: break  // at the next election
        case .snapshotMidway: break  // at the next snapshot
        case .lostSight: loseSight()
        case .lateAnswers: delayAnswers()
        case .returningLeader: hideLeader()
        case .lastOne: leaveOne()
        case .overtakenEntry: hideEntry()
        case .hastyChange: changeOutOfSight()
        case .lateFollower: hideFollower()
        case .membership: changeMembers()
        case .repair: repairAll()
        }
    }

    var anyMember: SimulatedMember { members[Int(random.below(UInt64(members.count)))] }

    private func endOrPause(_ member: SimulatedMember, _ fault: Fault) {
        guard member.driver != nil else { return }
        switch fault {
        case .powerOff: powerOff(member, for: 20_000_000 + random.below(1_500_000_000))
        case .kill: kill(member, for: 1_000_000 + random.below(random.below(2) == 0 ? 20_000_000 : 1_000_000_000))
        case .powerLossMidway: member.disk.operationsUntilPowerLoss = 1 + Int(random.below(25))
        case .bitFlip: flipBit(of: member)
        default: pause(member, for: random.below(1_500_000_000))
        }
    }

    private func disturbLinks(of member: SimulatedMember, _ fault: Fault) {
        switch fault {
        case .partition: divide()
        case .isolation: isolate(member.id)
        case .deafness: deafen(member.id)
        case .cutPair:
            let other = anyMember
            cut(from: member.id, to: other.id)
            cut(from: other.id, to: member.id)
        case .cutLink: for _ in 0...random.below(3) { cut(from: anyMember.id, to: anyMember.id) }
        case .clog:
            let link = SimulatedNetwork.Link(from: member.id, to: anyMember.id)
            network.clogs[link] = now + random.below(1_500_000_000)
        default: makeNoise()
        }
    }

    func makeNoise() {
        guard options.faultMilliseconds > 0 else { return }
        let isNoisy = faults.contains(.noise)
        network.lossPercent = isNoisy ? [0, 1, 5, 20][Int(random.below(4))] : 0
        network.repeatPercent = isNoisy ? [0, 2, 10][Int(random.below(3))] : 0
        network.slowPercent = isNoisy ? [0, 0, 5, 20][Int(random.below(4))] : 0
    }

    private func declareDead() {
        guard let leader else { return }
        // Now and then it has only begun to read by its lease.
        let isNew = options.settings.allowsLeases && random.below(3) == 0
        if isNew { give(.request { $0.allowLeases(false) }, to: leader) }
        later(by: isNew ? 100_000_000 + random.below(200_000_000) : 0) { [unowned self] in
            if isNew, leader.driver != nil { give(.request { $0.allowLeases(true) }, to: leader) }
            later(by: isNew ? random.below(20_000_000) : 0) { [unowned self] in
                isolate(leader.id)
                for other in members where other.id != leader.id && other.driver != nil {
                    give(.request { $0.forgetLeader() }, to: other)
                }
            }
        }
    }

    private func switchLease(of member: SimulatedMember) {
        guard options.settings.allowsLeases, member.driver != nil else { return }
        let isAllowed = random.below(4) > 0
        give(.request { $0.allowLeases(isAllowed) }, to: member)
    }

    /// Four parts in a hundred at most, both ways: two clocks differ by no more than a lease allows for.
    private func drift(_ member: SimulatedMember) {
        member.clock.run(partsPerMillion: Int64(random.below(80_001)) - 40_000, from: now)
    }

    package func cut(from: NodeID, to: NodeID) {
        network.cutLinks.insert(.init(from: from, to: to))
    }

    package func repair(from: NodeID, to: NodeID) {
        network.cutLinks.remove(.init(from: from, to: to))
    }

    /// Both directions between some members and all others.
    package func part(_ some: [NodeID]) {
        for left in members {
            for right in members where some.contains(left.id) != some.contains(right.id) {
                cut(from: left.id, to: right.id)
            }
        }
    }

    /// Both directions between each of `left` and each of `right`.
    func links(between left: [NodeID], _ right: [NodeID]) -> [SimulatedNetwork.Link] {
        left.flatMap { one in
            right.filter { $0 != one }.flatMap { [.init(from: one, to: $0), .init(from: $0, to: one)] }
        }
    }

    /// Whatever was cut or held up before: from now on `links` alone carry anything.
    func hearOnly(_ links: [SimulatedNetwork.Link]) {
        network.repair()
        for from in members {
            for to in members where to.id != from.id && !links.contains(.init(from: from.id, to: to.id)) {
                cut(from: from.id, to: to.id)
            }
        }
    }

    /// These are told that their leader is gone.
    func forgetLeader(_ some: [NodeID]) {
        for member in members where some.contains(member.id) && member.driver != nil {
            give(.request { $0.forgetLeader() }, to: member)
        }
    }

    /// Both directions between `member` and all others.
    package func isolate(_ member: NodeID) { part([member]) }

    /// A member asks for votes, or has them.
    func endReignSoon(of member: SimulatedMember, after delay: UInt64) {
        guard faults.contains(.shortReign), !isHealed, random.below(3) == 0 else { return }
        later(by: delay) { [unowned self] in
            for other in members where other.id != member.id { cut(from: member.id, to: other.id) }
            later(by: random.below(4 * network.latency + 100_000_000)) { [unowned self] in
                for other in members { repair(from: member.id, to: other.id) }
                if member.driver != nil { powerOff(member, for: 200_000_000 + random.below(1_500_000_000)) }
            }
        }
    }

    /// A member has asked for votes. What it says from now on reaches only a few, and if it is elected, it and they part from the
    /// rest, whatever parted them before.
    func narrowReign(of member: SimulatedMember) {
        guard faults.contains(.narrowReign), !isHealed, random.below(2) == 0 else { return }
        let few = members.filter { $0.id == member.id || random.below(3) == 0 }.map(\.id)
        let rest = members.map(\.id).filter { !few.contains($0) }
        for other in rest { cut(from: member.id, to: other) }
        later(by: network.latency + random.below(4 * network.latency)) { [unowned self] in
            network.repair()
            guard member.driver?.core.role == .leader else { return }
            part(few)
        }
    }

    private func loseSight() {
        guard let leader else { return }
        let others = members.filter { $0.id != leader.id }
        guard others.count >= 2 else { return }
        let first = others[Int(random.below(UInt64(others.count)))]
        cut(from: leader.id, to: first.id)
        cut(from: first.id, to: leader.id)
        later(by: 300_000_000 + random.below(600_000_000)) { [unowned self] in
            isolate(leader.id)
            for other in others where other.id != first.id && other.driver != nil {
                kill(other, for: 1_000_000 + random.below(5_000_000))
            }
        }
    }

    func later(by delay: UInt64, _ action: @escaping () -> Void) {
        let time = now + delay
        scheduled.insert((time, action), at: scheduled.firstIndex { $0.time > time } ?? scheduled.count)
    }

    /// From all others to `member`.
    func deafen(_ member: NodeID) {
        for other in members where other.id != member { cut(from: other.id, to: member) }
    }

    package func repairAll() {
        network.repair()
        for member in members { member.disk.freeBytes = nil }
    }

    /// The member stands still, as with a hanging disk; nothing is lost.
    package func pause(_ member: SimulatedMember, for duration: UInt64) { member.pausedUntil = now + duration }

    package func lose(percent: UInt64) { network.lossPercent = percent }

    private func divide() {
        part(members.filter { _ in random.below(2) == 0 }.map(\.id))
    }

    func compareLogs() {
        for (position, left) in members.enumerated() {
            for right in members.dropFirst(position + 1) {
                guard let left = left.driver?.core, let right = right.driver?.core else { continue }
                note(Ledger.compare(left, right))
            }
        }
    }
}
