internal import Raft

extension Simulation {
    /// All faults end. The group must elect, write, and agree everywhere; everything acknowledged must be there.
    package func heal() throws {
        isHealed = true
        scheduled = []
        repairAll()
        network.lossPercent = 0
        network.repeatPercent = 0
        network.slowPercent = 0
        network.latency = 4_000_000
        for member in members {
            member.disk.operationsUntilPowerLoss = nil
            member.disk.processEnded()
            member.pausedUntil = min(member.pausedUntil, now)
            if member.driver == nil, !member.isLost { member.restartAt = now }
        }
        for client in clients { client.nextAction = .max }
        trace.note("heal", now)
        let acknowledged = ledger.acknowledged
        let end = now + options.healMilliseconds * 1_000_000
        while now < end {
            try run(until: now + 100_000_000)
            if let leader, let core = leader.driver?.core, core.followers.count + 1 >= core.configuration.quorum {
                if core.configuration.isJoint, !core.configuration.leavesItself {
                    let token = takeToken()
                    give(.request { $0.propose(.leave, token: token) }, to: leader)
                }
                try propose(to: leader)
                try read(from: leader)
            }
            try run(until: now + 100_000_000)
            if ledger.acknowledged > acknowledged, try hasConverged() {
                try lookAround()
                return
            }
        }
        throw SimulationFailure(
            seed: seed, time: now,
            message: "liveness: no convergence after healing: " + members.map(view).joined(separator: "; "))
    }

    func view(of member: SimulatedMember) -> String {
        guard let core = member.driver?.core else { return "\(member.id) \(member.isLost ? "lost" : "down")" }
        return "\(member.id) \(core.role) term \(core.term) last \(core.lastIndex) commit \(core.commitIndex) "
            + "applied \(member.machine.appliedIndex) wants a turn in \(wait(of: member)) ns"
    }

    private func wait(of member: SimulatedMember) -> Int64 {
        guard let driver = member.driver else { return 0 }
        return Int64(clamping: driver.nextDeadline.nanoseconds) - Int64(clamping: driver.now.nanoseconds)
    }

    private func hasConverged() throws -> Bool {
        compareLogs()
        for member in members {
            let state = member.machine.state
            if member.machine.isFlipped {
                // It is to be found.
                return false
            }
            if let expected = ledger.state(at: state.index), expected != state {
                note("state machine safety: \(member.id) is at \(state), the group at \(expected)")
            }
        }
        try check()
        guard let leader, let core = leader.driver?.core, core.commitIndex == core.lastIndex,
            core.commitIndex > 0, core.term(at: core.commitIndex) == core.term,
            // Leadership that was on its way when all healed would leave in the middle of what is asked next.
            core.transferTarget == nil,
            ledger.highestAcknowledged <= core.commitIndex, !core.configuration.isJoint
        else { return false }
        for member in members where core.configuration.contains(member.id) && !member.isLost {
            guard member.machine.state == leader.machine.state, member.machine.appliedIndex == core.commitIndex else {
                return false
            }
        }
        return true
    }

    /// Every register is read once more, so that the histories end with what is there.
    private func lookAround() throws {
        guard !clients.isEmpty, let leader else { return }
        for register in 0..<RegisterCommand.registers {
            let client = SimulatedClient(id: UInt64(clients.count))
            clients.append(client)
            client.nextAction = .max
            client.target = leader.id
            let command = RegisterCommand(.get, register: register)
            begin(.command(command, .linearizable), command, for: client)
        }
        try run(until: now + 1_000_000_000)
        guard clients.suffix(RegisterCommand.registers).allSatisfy({ $0.request == nil }) else {
            throw SimulationFailure(seed: seed, time: now, message: "liveness: reads of a healed group go unanswered")
        }
    }
}
