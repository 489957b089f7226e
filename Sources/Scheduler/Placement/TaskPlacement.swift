/// What became of a pending task.
public struct TaskPlacement: Sendable, Equatable {
    /// A node, or why there is none.
    public enum Outcome: Sendable, Equatable {
        case placed(nodeID: String)
        /// No node fits now; the text says why, as Docker words it.
        case unplaceable(explanation: String)
    }

    public let taskID: String
    public let outcome: Outcome

    public init(taskID: String, outcome: Outcome) {
        self.taskID = taskID
        self.outcome = outcome
    }

    /// The node chosen; nil if there is none.
    public var nodeID: String? {
        if case .placed(let nodeID) = outcome { nodeID } else { nil }
    }
}
