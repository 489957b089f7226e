internal import Model
internal import Platform

extension RestartPolicy {
    /// The most restarts that are remembered for a policy that counts them.
    private static let rememberedRestarts = 100

    /// Whether a task that is over, or has to leave its node, gets a successor.
    ///
    /// Counted as of the task's end, so that the answer stays the same however much later it is asked.
    static func wantsReplacement(of task: ClusterTask, in service: Service) -> Bool {
        let policy = service.spec.taskTemplate.restartPolicy
        switch policy?.condition ?? .any {
        case .none: return false
        case .onFailure: if task.status.state == .complete { return false }
        case .any: break
        }
        guard hasEnded(task), let most = policy?.maxAttempts, most > 0 else { return true }
        var restarts = task.restartedAt ?? []
        if let window = policy?.window, window > 0 {
            let start = task.status.timestamp + .nanoseconds(-window)
            restarts = restarts.filter { $0 >= start }
        }
        return restarts.count < most
    }

    /// Whether the task ended of itself, as opposed to having been told to stop or lost with its node.
    static func hasEnded(_ task: ClusterTask) -> Bool {
        switch task.status.state {
        case .complete, .failed, .rejected: true
        default: false
        }
    }

    /// What the successor of an ended task remembers of the restarts before it.
    static func restarts(after task: ClusterTask, in service: Service, at now: Timestamp) -> [Timestamp]? {
        guard let most = service.spec.taskTemplate.restartPolicy?.maxAttempts, most > 0 else { return nil }
        let kept = ((task.restartedAt ?? []) + [now]).suffix(Int(min(most, UInt64(rememberedRestarts))))
        return Array(kept)
    }

    static func delay(in service: Service) -> Duration {
        service.spec.taskTemplate.restartPolicy?.delay.map { .nanoseconds(max(0, $0)) } ?? Defaults.restartDelay
    }
}
