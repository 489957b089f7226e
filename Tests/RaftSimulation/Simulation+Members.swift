internal import Raft

/// What an operator asks of the group.
extension Simulation {
    func transferLeadership() {
        guard let leader else { return }
        let target = random.below(3) == 0 ? nil : members[Int(random.below(UInt64(members.count)))].id
        let token = takeToken()
        trace.note("transfer", now, leader.id.value, target?.value ?? 0)
        give(.request { $0.transferLeadership(to: target, token: token) }, to: leader)
        // Now and then it does not hear what comes of it.
        if faults.contains(.deafness), random.below(3) == 0 { deafen(leader.id) }
    }

    /// How many voters remain at least. Where a disk may be damaged one is lost for good, and the others are to be a quorum.
    var fewestVoters: Int { faults.contains(.bitFlip) ? 3 : 1 }

    /// Adds, promotes, removes or replaces somebody.
    func changeMembers() {
        if let leader { changeMembers(at: leader) }
    }

    func changeMembers(at leader: SimulatedMember) {
        guard let configuration = leader.driver?.core.configuration else { return }
        let others = members.filter { !configuration.isVoter($0.id) && !$0.isLost && !$0.isDamaged }
        let newcomer = others.isEmpty ? nil : others[Int(random.below(UInt64(others.count)))].member
        let mayLose = configuration.voters.count > fewestVoters && !configuration.isJoint
        let token = takeToken()
        let choice = random.below(9)
        trace.note("change", now, leader.id.value, choice)
        switch (choice, newcomer) {
        case (0, let newcomer?):
            give(.request { $0.addVoter(newcomer, token: token) }, to: leader)
        case (1, let newcomer?), (7, let newcomer?):
            give(.request { $0.propose(.add(newcomer), token: token) }, to: leader)
        case (2, let newcomer?):
            give(.request { $0.propose(.addLearner(newcomer), token: token) }, to: leader)
        case (3, _) where mayLose, (8, _) where mayLose:
            let voter = configuration.voters[Int(random.below(UInt64(configuration.voters.count)))]
            give(.request { $0.propose(.remove(voter.id), token: token) }, to: leader)
        case (4, _):
            guard let learner = configuration.learners.first else { return }
            give(.request { $0.propose(.remove(learner.id), token: token) }, to: leader)
        case (5, _) where configuration.isJoint:
            give(.request { $0.propose(.leave, token: token) }, to: leader)
        default:
            replaceVoters(of: configuration, by: others, at: leader, token)
        }
    }

    /// A joint change of several voters at once.
    private func replaceVoters(
        of configuration: Configuration, by others: [SimulatedMember], at leader: SimulatedMember, _ token: UInt64
    ) {
        let adding = others.filter { _ in random.below(2) == 0 }.map(\.member)
        var spare = configuration.voters.count + adding.count - fewestVoters
        var removing: [NodeID] = []
        for voter in configuration.voters where spare > 0 && random.below(3) == 0 {
            removing.append(voter.id)
            spare -= 1
        }
        let leavesItself = random.below(3) > 0
        let change = MembershipChange.joint(adding: adding, removing: removing, leavesItself: leavesItself)
        give(.request { $0.propose(change, token: token) }, to: leader)
    }
}
