/// Those who wait for what becomes of an entry that they proposed.
struct EntryWaiters {
    struct Waiter {
        let index: LogIndex
        let term: Term
        let token: UInt64
        let deadline: MonotonicInstant
    }

    /// For entries of this member's log, by index; their deadlines follow each other.
    private var standing: [Waiter] = []
    /// For entries whose place in this log another leader's took. That they are dropped is not known before something is committed
    /// there: a third leader may have them from elsewhere.
    private var overtaken: [Waiter] = []

    /// For an entry that is now the log's last.
    mutating func add(_ index: LogIndex, _ term: Term, _ token: UInt64, until deadline: MonotonicInstant) {
        standing.append(Waiter(index: index, term: term, token: token, deadline: deadline))
    }

    /// The log is another from `index` on, where `term` begins.
    mutating func overtake(from index: LogIndex, by term: Term) {
        guard let last = standing.last, last.index >= index else { return }
        overtaken += standing.filter { $0.index >= index && $0.term < term }
        standing.removeAll { $0.index >= index && $0.term < term }
    }

    /// What is at their place is committed.
    mutating func take(through index: LogIndex) -> [Waiter] {
        let due = standing.prefix { $0.index <= index }
        standing.removeFirst(due.count)
        return due + Self.take(&overtaken) { $0.index <= index }
    }

    /// Whose time is over.
    mutating func take(at now: MonotonicInstant) -> [Waiter] {
        let due = standing.prefix { $0.deadline <= now }
        standing.removeFirst(due.count)
        return due + Self.take(&overtaken) { $0.deadline <= now }
    }

    /// When the next one's time is over.
    var deadline: MonotonicInstant {
        min(standing.first?.deadline ?? .distantFuture, overtaken.map(\.deadline).min() ?? .distantFuture)
    }

    private static func take(_ waiters: inout [Waiter], where isDue: (Waiter) -> Bool) -> [Waiter] {
        guard !waiters.isEmpty else { return [] }
        let due = waiters.filter(isDue)
        if !due.isEmpty { waiters.removeAll(where: isDue) }
        return due
    }
}
