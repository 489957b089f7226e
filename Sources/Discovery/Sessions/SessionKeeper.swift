internal import Model
public import Platform
public import Store
import Synchronization

/// Ends sessions that nobody renews, or whose node is down, and delays of locks that are over: on the leader, by replicated
/// commands.
public final class SessionKeeper: Sendable {
    enum Limits {
        /// How late an end may be noticed.
        static let interval = Duration.milliseconds(200)
        /// Until what could not be ended is tried again.
        static let retry = Duration.seconds(1)
    }

    private let store: Store
    private let proposer: any Proposer
    private let time: any TimeSource
    private let deadlines = Mutex<SessionDeadlines?>(nil)
    private let loop = Mutex<Task<Void, Never>?>(nil)
    private let log = Logger("sessions")

    public init(store: Store, proposer: any Proposer, time: any TimeSource = SystemTime()) {
        self.store = store
        self.proposer = proposer
        self.time = time
    }

    /// This member leads: all time counts from now on.
    public func lead() {
        count()
        // Ended by `rest`: a term has no scope of its own.
        let task = Task { [weak self] in
            while !Task.isCancelled {
                await self?.tick()
                try? await Task.sleep(for: Limits.interval)
            }
        }
        loop.withLock { loop in
            loop?.cancel()
            loop = task
        }
    }

    /// Counts all time from now on; for tests, who tick themselves.
    func count() { deadlines.withLock { $0 = SessionDeadlines() } }

    /// This member leads no longer.
    public func rest() {
        deadlines.withLock { $0 = nil }
        loop.withLock { loop in
            loop?.cancel()
            loop = nil
        }
    }

    /// - Returns: nil where the session is over, or about to be, or where this member does not keep the time.
    func renew(_ id: String) -> KeySession? {
        let sessions = store.snapshot.part(SessionState.self)
        guard let session = sessions.session(id) else { return nil }
        let now = time.monotonic
        let isRenewed = deadlines.withLock { deadlines in
            deadlines?.follow(sessions, now: now)
            return deadlines?.renew(id, now: now) ?? false
        }
        return isRenewed ? session : nil
    }

    /// Ends what is due.
    func tick() async {
        let snapshot = store.snapshot
        let sessions = snapshot.part(SessionState.self)
        let now = time.monotonic
        let due = deadlines.withLock { deadlines -> SessionDeadlines.Due in
            deadlines?.follow(sessions, now: now)
            return deadlines?.takeDue(now: now, limit: SessionCommand.Limits.batch, retry: Limits.retry) ?? .init()
        }
        let lost = due.sessions + Self.sessionsOfLostNodes(snapshot, sessions)
        do {
            if !lost.isEmpty {
                log.info("sessions end", ["ids": lost.joined(separator: ",")])
                _ = try await proposer.propose(SessionCommand.destroy(lost).encoded)
            }
            if !due.delays.isEmpty {
                let ended = due.delays.map { (key: $0.key, revision: $0.revision) }
                _ = try await proposer.propose(SessionCommand.endDelays(ended).encoded)
            }
        } catch {
            log.debug("sessions could not be ended; they will be", ["reason": "\(error)"])
        }
    }

    /// A session that depends on its node's health is over when the node is down.
    private static func sessionsOfLostNodes(_ snapshot: Snapshot, _ sessions: SessionState) -> [String] {
        let down = snapshot.all(Node.self).filter { $0.status.state == .down }
        guard !down.isEmpty, sessions.count > 0 else { return [] }
        let names = Set(down.map(\.discoveryName))
        let lost = sessions.all.filter { names.contains($0.node) && $0.checks.contains(SessionRequest.nodeHealth) }
        return lost.prefix(SessionCommand.Limits.batch).map(\.id)
    }
}

extension Node {
    /// What the discovery API calls it.
    var discoveryName: String {
        if let name = spec.name, !name.isEmpty { return name }
        return description.hostname
    }
}
