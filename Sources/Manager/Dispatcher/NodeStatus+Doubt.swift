internal import Model

extension NodeStatus {
    /// Of a node that was let in and has not registered yet.
    static let letIn = "joined"
    /// Of a node that has not registered with this leader yet.
    static let leaderChanged = "not heard of since the leader changed"

    /// Whether the node was ready for the former leader, and nobody knows of it since.
    var isDoubted: Bool { state == .unknown && message == Self.leaderChanged }
}
