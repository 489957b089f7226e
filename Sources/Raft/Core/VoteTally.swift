/// Answers to one campaign.
struct VoteTally: Sendable {
    enum Outcome { case won, lost, open }

    private var granted: [NodeID] = []
    private var refused: [NodeID] = []

    mutating func record(_ vote: Bool, from voter: NodeID) {
        guard !granted.contains(voter), !refused.contains(voter) else { return }
        if vote { granted.append(voter) } else { refused.append(voter) }
    }

    /// Only voters of `configuration` count.
    func outcome(in configuration: Configuration) -> Outcome {
        let yes = granted.count { configuration.contains($0) }
        let no = refused.count { configuration.contains($0) }
        if yes >= configuration.quorum { return .won }
        return configuration.voters.count - no < configuration.quorum ? .lost : .open
    }
}
