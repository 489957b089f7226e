internal import Raft

/// What is known of a plot: a leader out of sight has taken out a voter, and another one is to be elected.
struct UnseenChange {
    let leader: NodeID
    let removed: NodeID
    /// Who campaigns, and those that are to hear nothing of it: the leader of before, and as many as make half of the voters.
    var candidate: NodeID?
    var half: [NodeID] = []
}
