/// Answers to one campaign.
struct VoteTally: Sendable {
    enum Outcome { case won, lost, open }

    private var granted: [NodeID] = []
    private var refused: [NodeID] = []

    mutating func record(_ vote: Bool, from voter: NodeID) {
        guard !granted.contains(voter), !refused.contains(voter) else { return }
        if vote { granted.append(voter) } else { refused.append(voter) }
    }

    /// Only voters of `configuration` count; while it is joint, both halves must agree.
    func outcome(in configuration: Configuration) -> Outcome {
        let new = outcome(among: configuration.voters)
        guard configuration.isJoint else { return new }
        switch (new, outcome(among: configuration.outgoing)) {
        case (.won, .won): return .won
        case (.lost, _), (_, .lost): return .lost
        default: return .open
        }
    }

    private func outcome(among voters: [Member]) -> Outcome {
        let quorum = voters.count / 2 + 1
        if voters.count(where: { granted.contains($0.id) }) >= quorum { return .won }
        return voters.count - voters.count(where: { refused.contains($0.id) }) < quorum ? .lost : .open
    }
}
