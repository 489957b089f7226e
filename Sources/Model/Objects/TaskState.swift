/// The states of a task in the order they are passed through; a task never moves backwards.
public enum TaskState: String, Codable, Sendable, Hashable, CaseIterable, Comparable {
    case new, pending, assigned, accepted, preparing, ready, starting, running
    case complete, shutdown, failed, rejected, remove, orphaned

    private var order: Int {
        switch self {
        case .new: 0
        case .pending: 1
        case .assigned: 2
        case .accepted: 3
        case .preparing: 4
        case .ready: 5
        case .starting: 6
        case .running: 7
        case .complete: 8
        case .shutdown: 9
        case .failed: 10
        case .rejected: 11
        case .remove: 12
        case .orphaned: 13
        }
    }

    public static func < (left: TaskState, right: TaskState) -> Bool { left.order < right.order }

    /// Whether nothing of the task runs any more, or ever will.
    public var isTerminal: Bool { self > .running }
}
