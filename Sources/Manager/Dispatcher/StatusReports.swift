internal import Model
internal import Platform
internal import Store

/// What agents report of their tasks, on its way into the state: gathered, and written in batches. A task never moves
/// backwards, and what has ended does not live again.
actor StatusReports {
    enum Limits {
        /// Between two writes, so that reports of many agents share one.
        static let interval: Duration = .milliseconds(20)
        static let retry: Duration = .milliseconds(200)
        static let batch = Command.writesLimit
    }

    private struct Report {
        let status: TaskStatus
        let nodeID: String
    }

    private let store: Store
    private let proposer: any Proposer
    private let clock: ControlClock
    private let signal = Signal()
    private let log = Logger("status-reports")
    private var pending: [String: Report] = [:]

    init(store: Store, proposer: any Proposer, clock: ControlClock) {
        self.store = store
        self.proposer = proposer
        self.clock = clock
    }

    /// One report for a task waits at most, the furthest; reports of tasks that are not the node's are dropped.
    func add(_ updates: [TaskStatusUpdate], from nodeID: String) {
        let snapshot = store.snapshot
        for update in updates where snapshot.get(ClusterTask.self, update.taskID)?.nodeID == nodeID {
            if let waiting = pending[update.taskID], waiting.status.state > update.status.state { continue }
            pending[update.taskID] = Report(status: update.status, nodeID: nodeID)
        }
        if !updates.isEmpty { signal.wake() }
    }

    func run() async {
        for await _ in signal.wakes {
            while !pending.isEmpty, !Task.isCancelled {
                let ids = pending.keys.sorted().prefix(Limits.batch)
                var batch: [(id: String, report: Report)] = []
                for id in ids { if let report = pending.removeValue(forKey: id) { batch.append((id, report)) } }
                let reports = batch
                do {
                    try await store.update(through: proposer, at: clock.wall()) { transaction in
                        for (id, report) in reports { try Self.write(report, of: id, to: &transaction) }
                    }
                } catch {
                    log.warning("reports wait", ["tasks": batch.count, "error": "\(error)"])
                    for (id, report) in batch where pending[id] == nil { pending[id] = report }
                    try? await Task.sleep(for: Limits.retry)
                }
            }
            try? await Task.sleep(for: Limits.interval)
            if Task.isCancelled { return }
        }
    }

    private static func write(_ report: Report, of id: String, to transaction: inout Transaction) throws {
        guard var task = transaction.get(ClusterTask.self, id), task.nodeID == report.nodeID,
            !task.status.state.isTerminal, report.status.state >= task.status.state
        else { return }
        task.status = report.status
        try transaction.put(task)
    }
}
