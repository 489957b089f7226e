/// The part of the log that the core holds in memory: everything after `(baseIndex, baseTerm)`.
struct LogWindow: Sendable {
    private(set) var baseIndex: LogIndex
    private(set) var baseTerm: Term
    private var entries: [Entry]
    /// What each entry costs together with all before it, counted from a place at or before the base; and where the base is there.
    private var costs: [Int] = []
    private var baseCost = 0

    init(baseIndex: LogIndex, baseTerm: Term, entries: [Entry]) {
        precondition(entries.first.map { $0.index == baseIndex + 1 } ?? true)
        self.baseIndex = baseIndex
        self.baseTerm = baseTerm
        self.entries = entries
        addCosts(of: entries)
    }

    private mutating func addCosts(of more: [Entry]) {
        var sum = costs.last ?? baseCost
        for entry in more {
            sum += entry.cost
            costs.append(sum)
        }
    }

    var lastIndex: LogIndex { baseIndex + UInt64(entries.count) }

    var lastTerm: Term { entries.last?.term ?? baseTerm }

    /// Nil where the log does not reach, before or after.
    func term(at index: LogIndex) -> Term? {
        if index == baseIndex { return baseTerm }
        guard index > baseIndex, index <= lastIndex else { return nil }
        return entries[Int(index - baseIndex - 1)].term
    }

    /// Entries from `start` (above the base) through `last`, as many as `limit` bytes hold, but one at least.
    func slice(from start: LogIndex, through last: LogIndex, limit: Int) -> [Entry] {
        precondition(start > baseIndex)
        let last = min(last, lastIndex)
        guard start <= last else { return [] }
        let first = Int(start - baseIndex - 1)
        let bound = Int(last - baseIndex)
        var end = first
        var bytes = 0
        while end < bound {
            bytes += entries[end].cost
            if bytes > limit && end > first { break }
            end += 1
        }
        return Array(entries[first..<end])
    }

    /// What the entries of the term cost, from `start` (above the base) through `last`.
    func cost(ofTerm term: Term, from start: LogIndex, through last: LogIndex) -> Int {
        precondition(start > baseIndex)
        var cost = 0
        for index in stride(from: start, through: min(last, lastIndex), by: 1) {
            let position = Int(index - baseIndex - 1)
            if entries[position].term == term { cost += entries[position].cost }
        }
        return cost
    }

    /// What all entries after `index` cost, which must not lie before the base.
    func cost(after index: LogIndex) -> Int {
        precondition(index >= baseIndex)
        guard index < lastIndex else { return 0 }
        return (costs.last ?? baseCost) - (index == baseIndex ? baseCost : costs[Int(index - baseIndex - 1)])
    }

    mutating func append(_ more: [Entry]) {
        guard let first = more.first else { return }
        precondition(first.index == lastIndex + 1, "the log has no gaps")
        entries.append(contentsOf: more)
        addCosts(of: more)
    }

    /// Forgets `index` and everything after it.
    mutating func truncate(from index: LogIndex) {
        precondition(index > baseIndex)
        guard index <= lastIndex else { return }
        entries.removeSubrange(Int(index - baseIndex - 1)...)
        costs.removeSubrange(Int(index - baseIndex - 1)...)
    }

    /// Forgets everything up to and with `index`, which must be in the log.
    mutating func compact(through index: LogIndex) {
        guard index > baseIndex, let term = term(at: index) else { return }
        baseCost = costs[Int(index - baseIndex - 1)]
        entries.removeFirst(Int(index - baseIndex))
        costs.removeFirst(Int(index - baseIndex))
        baseIndex = index
        baseTerm = term
    }

    mutating func reset(index: LogIndex, term: Term) {
        entries = []
        (costs, baseCost) = ([], 0)
        baseIndex = index
        baseTerm = term
    }

    /// The last place at or before `index` whose term is not above `term`: what a log whose entry at `index` has a
    /// different term can have in common with this one at most. Nil if that lies before the base.
    func lastIndex(atOrBefore index: LogIndex, withTermAtMost term: Term) -> LogIndex? {
        var candidate = min(index, lastIndex)
        while let here = self.term(at: candidate) {
            if here <= term { return candidate }
            if candidate == baseIndex { return nil }
            candidate -= 1
        }
        return nil
    }
}
