import Model
import Platform

/// How far a service is from what is wanted, told from one reading of the cluster. Pure: the waiting is elsewhere.
struct Convergence: Equatable {
    enum Verdict: Equatable {
        case converging
        case converged
        /// It will not come any further by itself.
        case stuck(String)
    }

    /// One slot, or one node of a global service.
    struct Line: Equatable {
        var place: String
        var taskID: String
        /// `web.1`
        var name: String
        var state: TaskState
        var node: String
        /// Why it waits or failed.
        var reason: String
        var isDone: Bool
        /// How often tasks of this place failed since it is looked at.
        var failures: Int
        /// And ever, as far as the cluster remembers.
        var allFailures: Int
        /// The last that failed since; it may have a log.
        var failedTaskID: String?
    }

    var lines: [Line]
    /// Tasks that should run.
    var desired: Int
    var done: Int { lines.count { $0.isDone } }
    var verdict: Verdict

    /// Failures of one place after which waiting any longer would only hide them.
    static let patience = 3

    /// - Parameters:
    ///   - former: tasks that had failed before anybody waited.
    ///   - service: as read with `status=true`.
    ///   - tasks: those of the service's present specification, ended ones included.
    ///   - nodes: names by id.
    init(service: Service, tasks: [ClusterTask], nodes: [String: String], former: Set<String> = []) {
        let condition = service.spec.taskTemplate.restartPolicy?.condition ?? .any
        var places: [String: [ClusterTask]] = [:]
        for task in tasks { places[task.place, default: []].append(task) }
        lines = places.compactMap { place, tasks in
            let byAge = tasks.sorted { Self.age($0) < Self.age($1) }
            guard let newest = byAge.last else { return nil }
            let failed = byAge.filter { Self.failures.contains($0.status.state) }
            let lately = failed.filter { !former.contains($0.id) }
            let isWanted = newest.desiredState <= .running
            let isComplete = newest.status.state == .complete && condition != .any
            // A slot that scaling took away: its task is meant to end.
            guard isWanted || isComplete || Self.failures.contains(newest.status.state) else { return nil }
            return Line(
                place: place, taskID: newest.id, name: newest.shortName(nodes: nodes), state: newest.status.state,
                node: newest.nodeID.map { nodes[$0] ?? $0 } ?? "",
                reason: newest.trouble.isEmpty ? failed.last?.trouble ?? "" : newest.trouble,
                isDone: isComplete || (isWanted && newest.status.state == .running), failures: lately.count,
                allFailures: failed.count,
                failedTaskID: lately.last?.id)
        }
        lines.sort { ($0.name.count, $0.name) < ($1.name.count, $1.name) }
        if let replicas = service.spec.mode?.replicated?.replicas ?? (service.spec.mode == nil ? 1 : nil) {
            desired = Int(clamping: replicas)
        } else {
            desired = max(lines.count, Int(clamping: service.serviceStatus?.desiredTasks ?? 0))
        }
        verdict = .converging
        verdict = judge(service, condition)
    }

    private func judge(_ service: Service, _ condition: RestartPolicy.Condition) -> Verdict {
        if let update = service.updateStatus {
            switch update.state {
            case "paused", "rollback_paused":
                return .stuck(
                    "the \(update.state == "paused" ? "update" : "rollback") is paused: \(update.message ?? "")")
            case "updating", "rollback_started": return .converging
            default: break
            }
        }
        let isGlobal = service.spec.mode?.global != nil
        if done >= desired, !(isGlobal && lines.isEmpty) { return .converged }
        let limit = service.spec.taskTemplate.restartPolicy?.maxAttempts ?? 0
        for line in lines where Self.failures.contains(line.state) {
            let isGivenUp = condition == .none || (limit > 0 && UInt64(line.allFailures) > limit)
            if isGivenUp { return .stuck("\(line.name) failed and is not restarted: \(line.reason)") }
        }
        if let line = lines.first(where: { !$0.isDone && $0.failures >= Self.patience }) {
            return .stuck("\(line.name) failed \(line.failures) times, and is tried again: \(line.reason)")
        }
        return .converging
    }

    /// Whether nothing moves: every task that does not run waits for a node.
    var isWaitingForNodes: Bool {
        let waiting = lines.filter { !$0.isDone }
        return !waiting.isEmpty && waiting.allSatisfy { $0.state == .pending && !$0.reason.isEmpty }
    }

    /// Whether all tasks have done their work, and none can fail any more.
    var isOver: Bool { desired == 0 || (!lines.isEmpty && lines.allSatisfy { $0.state == .complete }) }

    /// Tasks that have failed.
    static func failed(_ tasks: [ClusterTask]) -> Set<String> {
        Set(tasks.filter { failures.contains($0.status.state) }.map(\.id))
    }

    private static let failures: Set<TaskState> = [.failed, .rejected]

    private static func age(_ task: ClusterTask) -> (Timestamp, String) { (task.createdAt, task.id) }
}
