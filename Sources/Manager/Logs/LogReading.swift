internal import Model
internal import Platform
internal import Store
internal import Synchronization

/// One reader's log: asks the agents for the lines of its tasks. While it follows, it asks for those of later tasks too, and
/// asks again where an agent was away. What cannot be had is said in the log itself, on stderr, where the reader looks.
final class LogReading: Sendable {
    enum Limits {
        /// Lines that wait for one reader; one who is slower is cut off, and told so.
        static let entries = 100_000
        /// Between two looks at which tasks there are.
        static let pause: Duration = .milliseconds(50)
        /// When agents that were away are looked for again.
        static let retry: Duration = .seconds(1)
    }

    typealias Stream = AsyncThrowingStream<LogEntry, any Error>

    /// How a subscription ended.
    enum End: Sendable, Equatable {
        case complete
        case failed(String)
        case lost
    }

    /// What one agent was asked for.
    private struct Part {
        let nodeID: String
        let taskIDs: [String]
    }

    private struct State {
        var parts: [String: Part] = [:]
        /// Tasks of which no more is to come.
        var ended: Set<String> = []
        /// Tasks whose absence was said.
        var missed: Set<String> = []
        /// The last line's time, by task: where to go on.
        var last: [String: Timestamp] = [:]
    }

    let stream: Stream
    private let subject: LogSubject
    private let options: LogOptions
    private let store: Store
    private let broker: LogBroker
    private let now: @Sendable () -> Timestamp
    private let mayGoOn: @Sendable (Snapshot) -> Bool
    private let continuation: Stream.Continuation
    private let signal = Signal()
    private let state = Mutex(State())

    init(
        of subject: LogSubject, _ options: LogOptions, store: Store, broker: LogBroker,
        now: @escaping @Sendable () -> Timestamp, limit: Int = Limits.entries,
        mayGoOn: @escaping @Sendable (Snapshot) -> Bool = { _ in true }
    ) {
        self.subject = subject
        self.options = options
        self.store = store
        self.broker = broker
        self.now = now
        self.mayGoOn = mayGoOn
        (stream, continuation) = Stream.makeStream(bufferingPolicy: .bufferingOldest(limit))
    }

    /// Reads until the end, or until its task is cancelled, which it is when the reader goes.
    ///
    /// - Parameter dispatcher: the leader's at the moment of asking; nil where this manager leads no more.
    func run(_ dispatcher: @escaping @Sendable () -> Dispatcher?) async {
        let (_, feed) = store.watch(limit: 1)
        defer { feed.cancel() }
        let follows = options.follow
        await withTaskGroup(of: Void.self) { group in
            if follows {
                group.addTask { [signal] in while await feed.nextBatch() != nil { signal.wake() } }
                group.addTask { [signal] in
                    while !Task.isCancelled {
                        try? await Task.sleep(for: Limits.retry)
                        signal.wake()
                    }
                }
            }
            group.addTask { await self.ask(dispatcher) }
            await group.next()
            group.cancelAll()
        }
        continuation.finish()
        await cancelParts(dispatcher())
    }

    /// Ends `run` when nobody reads.
    func onTermination(_ body: @escaping @Sendable () -> Void) { continuation.onTermination = { _ in body() } }

    // MARK: What agents say

    func deliver(_ entries: [LogEntry], of id: String) {
        state.withLock { state in
            guard let part = state.parts[id] else { return }
            for entry in entries where part.taskIDs.contains(entry.taskID) {
                state.last[entry.taskID] = entry.timestamp
            }
        }
        for entry in entries {
            if case .dropped = continuation.yield(entry) {
                return continuation.finish(throwing: LogError.readerTooSlow)
            }
        }
    }

    func end(of id: String, _ end: End) {
        let part = state.withLock { state -> Part? in
            guard let part = state.parts.removeValue(forKey: id) else { return nil }
            if end != .lost { state.ended.formUnion(part.taskIDs) }
            return part
        }
        guard let part else { return }
        switch end {
        case .complete: break
        case .failed(let reason): say("the log of this task is incomplete: \(reason)", part.taskIDs, part.nodeID)
        case .lost: miss(part.taskIDs, part.nodeID)
        }
        signal.wake()
    }

    // MARK: Asking them

    private func ask(_ dispatcher: @Sendable () -> Dispatcher?) async {
        signal.wake()
        for await _ in signal.wakes {
            guard let dispatcher = dispatcher() else { return continuation.finish(throwing: LogError.leaderChanged) }
            guard mayGoOn(store.snapshot) else { return continuation.finish(throwing: LogError.notAllowed) }
            if await round(dispatcher) { return }
            try? await Task.sleep(for: Limits.pause)
            if Task.isCancelled { return }
        }
    }

    /// Asks for what is not asked for yet; true when no more is to come.
    private func round(_ dispatcher: Dispatcher) async -> Bool {
        let tasks = tasks()
        let busy = state.withLock { state in
            state.ended.formIntersection(tasks.map(\.id))
            return state.ended.union(state.parts.values.flatMap(\.taskIDs))
        }
        var byNode: [String: [ClusterTask]] = [:]
        // Before that the agent does not know the task, and would say that there is no log.
        for task in tasks where task.status.state >= .accepted && !busy.contains(task.id) {
            if let nodeID = task.nodeID { byNode[nodeID, default: []].append(task) }
        }
        for nodeID in byNode.keys.sorted() { await ask(nodeID, for: byNode[nodeID] ?? [], dispatcher) }
        return isOver(tasks)
    }

    private func tasks() -> [ClusterTask] {
        let snapshot = store.snapshot
        if let id = subject.taskID { return snapshot.get(ClusterTask.self, id).map { [$0] } ?? [] }
        return snapshot.tasks(ofService: subject.serviceID)
    }

    private func isOver(_ tasks: [ClusterTask]) -> Bool {
        let (isIdle, ended) = state.withLock { ($0.parts.isEmpty, $0.ended) }
        guard isIdle else { return false }
        guard options.follow else { return true }
        if subject.taskID != nil { return tasks.allSatisfy { ended.contains($0.id) } }
        return store.snapshot.get(Service.self, subject.serviceID) == nil
    }

    private func ask(_ nodeID: String, for tasks: [ClusterTask], _ dispatcher: Dispatcher) async {
        guard let connection = await dispatcher.connection(of: nodeID) else { return away(tasks, nodeID) }
        // What was read up to some line goes on behind it; the rest is read as it was asked for.
        let last = state.withLock { $0.last }
        var requests: [(ids: [String], options: LogOptions)] = []
        let fresh = tasks.map(\.id).filter { last[$0] == nil }
        if !fresh.isEmpty { requests.append((fresh, options)) }
        for id in tasks.map(\.id) {
            guard let instant = last[id] else { continue }
            var rest = options
            rest.tail = nil
            rest.since = instant + .nanoseconds(1)
            requests.append(([id], rest))
        }
        for (ids, options) in requests {
            let id = Identifier.random()
            state.withLock { state in
                state.parts[id] = Part(nodeID: nodeID, taskIDs: ids)
                state.missed.subtract(ids)
            }
            broker.add(id, from: nodeID, to: self)
            do {
                try await connection.send(.logSubscribe(LogSubscription(id: id, taskIDs: ids, options: options)))
            } catch {
                broker.remove(id)
                state.withLock { $0.parts[id] = nil }
                away(tasks.filter { ids.contains($0.id) }, nodeID)
            }
        }
    }

    /// Their agent is not here: the reader is told, and who does not follow does not wait for it.
    private func away(_ tasks: [ClusterTask], _ nodeID: String) {
        let ids = tasks.map(\.id)
        miss(ids, nodeID)
        if !options.follow { state.withLock { $0.ended.formUnion(ids) } }
    }

    private func miss(_ taskIDs: [String], _ nodeID: String) {
        let news = state.withLock { state in taskIDs.filter { state.missed.insert($0).inserted } }
        say("the log of this task is incomplete: node \(nodeID) is not available", news, nodeID)
    }

    /// A line of the managers' own among those of the tasks.
    private func say(_ text: String, _ taskIDs: [String], _ nodeID: String) {
        for taskID in taskIDs {
            continuation.yield(
                LogEntry(
                    timestamp: now(), stream: .stderr, taskID: taskID, nodeID: nodeID, bytes: Array("\(text)\n".utf8)))
        }
    }

    private func cancelParts(_ dispatcher: Dispatcher?) async {
        let parts = state.withLock { state in
            defer { state.parts = [:] }
            return state.parts
        }
        for id in parts.keys { broker.remove(id) }
        guard let dispatcher, !parts.isEmpty else { return }
        // On its own, because the reading's task is cancelled by now and what an agent is told must not be.
        Task {
            for (id, part) in parts {
                try? await dispatcher.connection(of: part.nodeID)?.send(.logCancel(subscription: id))
            }
        }
    }
}
