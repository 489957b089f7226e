internal import Model
internal import Platform

/// What an update or a rollback is to heed, with defaults for what is not said.
struct UpdatePlan {
    enum FailureAction { case pause, carryOn, rollback }

    let isRollback: Bool
    /// Nil: all at once.
    let parallelism: Int?
    let delay: Duration
    let monitor: Duration
    let maxFailureRatio: Double
    let failureAction: FailureAction
    let startsFirst: Bool

    init(_ service: Service) {
        isRollback = service.updateStatus?.state.hasPrefix("rollback") ?? false
        let config = isRollback ? service.spec.rollbackConfig : service.spec.updateConfig
        let wide = config?.parallelism ?? Defaults.updateParallelism
        parallelism = wide == 0 ? nil : Int(clamping: wide)
        delay = .nanoseconds(max(0, config?.delay ?? 0))
        monitor = config?.monitor.map { $0 > 0 ? .nanoseconds($0) : Defaults.updateMonitor } ?? Defaults.updateMonitor
        maxFailureRatio = config?.maxFailureRatio ?? 0
        failureAction =
            switch config?.failureAction {
            case "continue": .carryOn
            case "rollback": isRollback ? .pause : .rollback
            default: .pause
            }
        startsFirst = config?.order == "start-first"
    }
}

/// The states of `UpdateStatus`, as the Engine API spells them.
enum UpdateState {
    static let updating = "updating"
    static let paused = "paused"
    static let completed = "completed"
    static let rollbackStarted = "rollback_started"
    static let rollbackPaused = "rollback_paused"
    static let rollbackCompleted = "rollback_completed"

    static func isUnderWay(_ state: String?) -> Bool { state == updating || state == rollbackStarted }
}
