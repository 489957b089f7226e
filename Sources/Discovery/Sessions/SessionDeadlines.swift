import Store

/// When sessions end and delays of locks are over, as the leader counts it: all anew from the moment it leads, so that nothing
/// ends early because of a clock that another member looked at.
struct SessionDeadlines {
    enum Limits {
        /// A session ends after that many of its TTLs without being renewed, as Consul's do: its client may be late.
        static let lateness = 2
    }

    /// What is to be ended now.
    struct Due: Equatable {
        var sessions: [String] = []
        var delays: [LockDelay] = []

        var isEmpty: Bool { sessions.isEmpty && delays.isEmpty }
    }

    private struct Delayed {
        let delay: LockDelay
        var deadline: Duration
    }

    private var stamp: UInt64?
    private var sessions: [String: (ttl: Duration, deadline: Duration)] = [:]
    private var delays: [[UInt8]: Delayed] = [:]
    /// Nothing is due before.
    private var earliest = Duration.zero
    /// Being ended: they cannot be renewed any more.
    private var ending: Set<String> = []

    /// Learns what there is; what is new counts from now on. Times are monotonic.
    mutating func follow(_ state: SessionState, now: Duration) {
        guard stamp != state.stamp else { return }
        stamp = state.stamp
        var sessions: [String: (ttl: Duration, deadline: Duration)] = [:]
        for session in state.all where session.ttl > .zero {
            let deadline = self.sessions[session.id]?.deadline ?? now + session.ttl * Limits.lateness
            sessions[session.id] = (session.ttl, deadline)
        }
        ending = ending.filter { sessions[$0] != nil }
        self.sessions = sessions
        var delays: [[UInt8]: Delayed] = [:]
        for delay in state.allDelays {
            if let known = self.delays[delay.key], known.delay == delay {
                delays[delay.key] = known
            } else {
                delays[delay.key] = Delayed(delay: delay, deadline: now + delay.delay)
            }
        }
        self.delays = delays
        earliest = .zero
    }

    /// - Returns: false where it is over, or about to be.
    mutating func renew(_ id: String, now: Duration) -> Bool {
        guard !ending.contains(id) else { return false }
        if let session = sessions[id] {
            guard session.deadline > now else { return false }
            sessions[id]?.deadline = now + session.ttl * Limits.lateness
        }
        return true
    }

    /// Takes what is due, at most `limit` of each, in the order of ids and keys; it is not named again before `retry`.
    mutating func takeDue(now: Duration, limit: Int, retry: Duration) -> Due {
        guard now >= earliest else { return Due() }
        var due = Due()
        due.sessions = sessions.filter { $0.value.deadline <= now }.keys.sorted()
        due.sessions.removeLast(max(0, due.sessions.count - limit))
        for id in due.sessions {
            sessions[id]?.deadline = now + retry
            ending.insert(id)
        }
        due.delays = delays.values.filter { $0.deadline <= now }.map(\.delay)
            .sorted { KeyOrder.isBefore($0.key[...], $1.key[...]) }
        due.delays.removeLast(max(0, due.delays.count - limit))
        for delay in due.delays { delays[delay.key]?.deadline = now + retry }
        earliest = sessions.values.map(\.deadline).min() ?? now + .seconds(3_600)
        earliest = min(earliest, delays.values.map(\.deadline).min() ?? earliest)
        return due
    }
}
