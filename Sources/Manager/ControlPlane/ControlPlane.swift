internal import Model
internal import Platform
internal import Store
internal import Synchronization

/// The leader's loop: a full view at first, then what the change feed and the planners' deadlines ask for.
///
/// Runs until its task is cancelled. An error of the proposer (no quorum, overload) is waited out: nothing is done to any
/// task meanwhile.
final class ControlPlane: Sendable {
    enum Limits {
        /// Between rounds, so that changes come together.
        static let pause: Duration = .milliseconds(2)
        static let retryPause: Duration = .milliseconds(200)
        static let conflictPause: Duration = .milliseconds(2)
        /// Everything is looked at again after this long, whatever happened: a clock that was set, a lost wake.
        static let fullInterval: Duration = .seconds(30)
    }

    private struct Inbox {
        var scope = Scope.all
        var deadlines: [String: Timestamp] = [:]
        /// By the monotonic clock.
        var nextFull: Duration = .zero
    }

    private static let roundSeconds = Metrics.shared.histogram(
        "martlet_control_plane_round_seconds", "Time of one round of planners and its commit.")

    private let store: Store
    private let proposer: any Proposer
    private let clock: ControlClock
    private let identifiers: any IdentifierSource
    private let inbox = Mutex(Inbox())
    private let signal = Signal()
    private let log = Logger("control-plane")

    init(store: Store, proposer: any Proposer, clock: ControlClock, identifiers: any IdentifierSource) {
        self.store = store
        self.proposer = proposer
        self.clock = clock
        self.identifiers = identifiers
    }

    func run() async {
        let (_, feed) = store.watch()
        defer { feed.cancel() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.listen(to: feed) }
            group.addTask { await self.reconcile() }
            await group.next()
            group.cancelAll()
        }
    }

    private func listen(to feed: ChangeFeed) async {
        while let events = await feed.nextBatch() {
            inbox.withLock { inbox in
                for event in events {
                    switch event {
                    case .lagged: inbox.scope = .all
                    case .changes(_, let changes): for change in changes { inbox.scope.add(change) }
                    }
                }
            }
            signal.wake()
        }
    }

    private func reconcile() async {
        var reconciler = Reconciler()
        var timer: Task<Void, Never>?
        defer { timer?.cancel() }
        signal.wake()
        for await _ in signal.wakes {
            let scope = take()
            let start = clock.monotonic()
            let pause = await round(&reconciler, scope)
            Self.roundSeconds.observe((clock.monotonic() - start).seconds)
            try? await Task.sleep(for: max(pause, Limits.pause))
            if Task.isCancelled { return }
            timer?.cancel()
            timer = startTimer()
        }
    }

    /// What is to be looked at now, services whose time has come among it.
    private func take() -> Scope {
        let now = clock.wall()
        let monotonic = clock.monotonic()
        return inbox.withLock { inbox in
            if monotonic >= inbox.nextFull {
                inbox.scope = .all
                inbox.nextFull = monotonic + Limits.fullInterval
            }
            for (id, instant) in inbox.deadlines where instant <= now {
                inbox.scope.add(id)
                inbox.deadlines[id] = nil
            }
            defer { inbox.scope = .none }
            return inbox.scope
        }
    }

    /// Plans and commits; returns how long to wait before the next round. What could not be committed is planned anew.
    private func round(_ reconciler: inout Reconciler, _ scope: Scope) async -> Duration {
        guard scope != .none else { return .zero }
        let draft = Phase.schedule.measure {
            reconciler.plan(
                store.snapshot, scope, now: clock.wall(), monotonic: clock.monotonic(), identifiers: identifiers)
        }
        inbox.withLock { inbox in
            for (id, instant) in draft.deadlines { inbox.deadlines[id] = min(inbox.deadlines[id] ?? instant, instant) }
        }
        guard !draft.transaction.isEmpty else { return .zero }
        do {
            try await store.commit(draft.transaction, through: proposer)
            return .zero
        } catch let error as StoreError where error.code == .conflict {
            retry(scope)
            return Limits.conflictPause
        } catch {
            log.warning("cannot commit what the planners ask for", ["error": "\(error)"])
            retry(.all)
            return Limits.retryPause
        }
    }

    private func retry(_ scope: Scope) {
        inbox.withLock { inbox in
            switch scope {
            case .all: inbox.scope = .all
            case .services(let ids): for id in ids { inbox.scope.add(id) }
            }
        }
        signal.wake()
    }

    /// Wakes the loop at the earliest deadline. Unstructured because it is replaced at every round; the loop cancels it.
    private func startTimer() -> Task<Void, Never> {
        let now = clock.wall()
        let next = inbox.withLock { $0.deadlines.values.min() }
        let delay = min(max(next.map { $0 - now } ?? Limits.fullInterval, Limits.pause), Limits.fullInterval)
        // Replaced at every round; the loop cancels it.
        return Task { [signal] in
            try? await Task.sleep(for: delay)
            if !Task.isCancelled { signal.wake() }
        }
    }
}
