import Model
import Synchronization

@testable import Manager

/// Both ends of an agent's connection, in memory.
final class TestLink: DispatchConnection {
    struct Closed: Error {}

    private let toAgent = AsyncStream<ManagerMessage>.makeStream()
    private let toManager = AsyncStream<AgentMessage>.makeStream()
    /// An agent that takes no assignments: whoever sends them waits.
    private let isStuck: Bool
    private let isClosed = Mutex(false)

    init(isStuck: Bool = false) { self.isStuck = isStuck }

    // MARK: The manager's end

    func send(_ message: ManagerMessage) async throws {
        if isStuck, case .assignments = message {
            while !isClosed.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(5)) }
        }
        guard case .enqueued = toAgent.continuation.yield(message) else { throw Closed() }
    }

    func receive() async throws -> AgentMessage? {
        for await message in toManager.stream { return message }
        return nil
    }

    func close() {
        isClosed.withLock { $0 = true }
        toAgent.continuation.finish()
        toManager.continuation.finish()
    }

    // MARK: The agent's end

    func say(_ message: AgentMessage) { toManager.continuation.yield(message) }

    func register(_ nodeID: String, address: String = "192.0.2.1", statuses: [TaskStatusUpdate] = []) {
        say(
            .register(
                Registration(
                    description: TestCluster.description(nodeID), dataPathAddress: address, statuses: statuses)))
    }

    func report(_ taskID: String, _ state: TaskState) {
        say(.taskStatuses([TaskStatusUpdate(taskID: taskID, status: TaskStatus(timestamp: start, state: state))]))
    }

    /// The next message; nil when the manager has closed.
    func hear() async -> ManagerMessage? {
        for await message in toAgent.stream { return message }
        return nil
    }

    /// The next message that is one of those; nil when the manager has closed.
    func hear<Value>(_ wanted: (ManagerMessage) -> Value?) async -> Value? {
        while let message = await hear() { if let value = wanted(message) { return value } }
        return nil
    }

    /// Says that the agent lives; returns the period that the manager answers with, in nanoseconds, once it has heard it.
    @discardableResult
    func beat(_ session: Session) async -> Int64? {
        say(.heartbeat(sessionID: session.id))
        return await hear { if case .heartbeat(let period) = $0 { period } else { nil } }
    }

    func session() async -> Session? {
        await hear { if case .registered(let session) = $0 { session } else { nil } }
    }

    func assignments() async -> AssignmentSet? {
        await hear { if case .assignments(let set) = $0 { set } else { nil } }
    }

    func changes() async -> AssignmentChanges? {
        await hear { if case .assignmentChanges(let changes) = $0 { changes } else { nil } }
    }

    func files() async -> [AssignedFile]? {
        await hear { if case .files(let files) = $0 { files } else { nil } }
    }

    func subscription() async -> LogSubscription? {
        await hear { if case .logSubscribe(let subscription) = $0 { subscription } else { nil } }
    }

    func refusal() async -> String? {
        await hear { if case .refused(let reason) = $0 { reason } else { nil } }
    }

    /// Waits until the manager has closed.
    func untilClosed() async { while await hear() != nil {} }
}
