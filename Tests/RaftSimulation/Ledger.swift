internal import Raft

/// What the group as a whole has promised, and whether its members keep it.
struct Ledger {
    struct Committed {
        let entry: Entry
        let state: SimulatedStateMachine.State
        /// It was committed in this term or an earlier one.
        let term: Term
    }

    /// Every entry that some member applied, by index - 1: with the state that it led to.
    private(set) var committed: [Committed] = []
    private(set) var leaders: [Term: NodeID] = [:]
    private(set) var highestAcknowledged: LogIndex = 0
    private(set) var acknowledged = 0
    private(set) var confirmedReads = 0
    /// Proposals that their clients were told will never be applied.
    private var refused: Set<[UInt8]> = []
    /// Who would vote for whom in which term.
    private var promises: [Campaign: Set<NodeID>] = [:]

    private struct Campaign: Hashable {
        let candidate: NodeID
        let term: Term
    }

    /// Nil if all is well, else what is not. `state` is nil where the member's is known to be wrong.
    mutating func applied(
        _ entry: Entry, _ state: SimulatedStateMachine.State?, by member: NodeID, in term: Term
    ) -> String? {
        let position = Int(entry.index) - 1
        if position < committed.count {
            let known = committed[position]
            guard known.entry == entry else {
                return "state machine safety: \(member) applied \(entry), others \(known.entry)"
            }
            guard let state, known.state != state else { return nil }
            return "state machine safety: \(member) is at \(state), not \(known.state)"
        }
        guard position == committed.count else { return "\(member) applied \(entry.index) after \(committed.count)" }
        var expected = committed.last?.state ?? .init()
        _ = SimulatedStateMachine.apply(entry, to: &expected)
        committed.append(Committed(entry: entry, state: expected, term: term))
        if let state, expected != state { return "state machine safety: \(member) is at \(state), not \(expected)" }
        return refused.contains(entry.data) ? "entry \(entry.index) was refused, and is committed" : nil
    }

    func restored(_ state: SimulatedStateMachine.State, by member: NodeID) -> String? {
        state == self.state(at: state.index) ? nil : "state machine safety: \(member) restored \(state)"
    }

    func state(at index: LogIndex) -> SimulatedStateMachine.State? {
        index == 0 ? .init() : index <= committed.count ? committed[Int(index) - 1].state : nil
    }

    mutating func acknowledge(_ index: LogIndex, _ payload: [UInt8], _ answer: [UInt8]) -> String? {
        acknowledged += 1
        highestAcknowledged = max(highestAcknowledged, index)
        guard index > 0, index <= committed.count, committed[Int(index) - 1].entry.data == payload else {
            return "entry \(index) was acknowledged, and is not what was proposed"
        }
        var state = state(at: index - 1) ?? .init()
        let expected = SimulatedStateMachine.apply(committed[Int(index) - 1].entry, to: &state)
        return answer == expected ? nil : "entry \(index) got another one's result"
    }

    /// A client was told that its proposal will never be applied.
    mutating func refuse(_ payload: [UInt8]) -> String? {
        refused.insert(payload)
        // Only what is recent can be meant.
        return committed.suffix(500).contains { $0.entry.data == payload } ? "a committed proposal was refused" : nil
    }

    mutating func confirmRead(asOf index: LogIndex, needed: LogIndex) -> String? {
        confirmedReads += 1
        return index >= needed ? nil : "stale read: at \(index), but \(needed) was acknowledged before it began"
    }

    mutating func elected(_ member: NodeID, _ core: RaftCore) -> String? {
        if let other = leaders[core.term], other != member {
            return "election safety: \(member) and \(other) lead term \(core.term)"
        }
        leaders[core.term] = member
        // A leader that was elected late, by votes that travelled long, need not know of later terms.
        for item in committed.dropFirst(Int(core.firstIndex) - 1) where item.term <= core.term {
            let entry = item.entry
            guard core.term(at: entry.index) == entry.term else {
                return "leader completeness: \(member) leads term \(core.term) without entry \(entry.index)"
            }
        }
        return nil
    }

    /// A member has promised a vote in a term that another would campaign in.
    mutating func promised(_ vote: NodeID, to candidate: NodeID, in term: Term) {
        promises[Campaign(candidate: candidate, term: term), default: []].insert(vote)
    }

    /// A member campaigns of its own accord: a quorum of those that it takes for voters must have wanted that.
    func campaigns(_ core: RaftCore) -> String? {
        let willing = promises[Campaign(candidate: core.id, term: core.term)] ?? []
        for half in [core.configuration.voters, core.configuration.outgoing] where !half.isEmpty {
            let count = half.count { $0.id == core.id || willing.contains($0.id) }
            if count <= half.count / 2 { return "\(core.id) campaigns in term \(core.term), which \(count) want" }
        }
        return nil
    }

    /// Log matching, between two members' logs as they are in memory.
    static func compare(_ left: RaftCore, _ right: RaftCore) -> String? {
        let last = min(left.lastIndex, right.lastIndex)
        let first = max(left.firstIndex, right.firstIndex)
        guard first <= last else { return nil }
        let (mine, theirs) = (left.entries(first...last), right.entries(first...last))
        guard
            let meeting = zip(mine, theirs).enumerated().reversed().first(where: {
                $0.element.0.term == $0.element.1.term
            })
        else { return nil }
        for position in 0...meeting.offset where mine[position] != theirs[position] {
            return "log matching: \(left.id) and \(right.id) agree at \(first + UInt64(meeting.offset)), "
                + "not at \(first + UInt64(position))"
        }
        return nil
    }
}
