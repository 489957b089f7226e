internal import Raft

/// What the group as a whole has promised, and whether its members keep it.
struct Ledger {
    /// Every entry that some member applied, by index - 1: with the state that it led to.
    private(set) var committed: [(entry: Entry, state: SimulatedStateMachine.State)] = []
    private(set) var leaders: [Term: NodeID] = [:]
    private(set) var highestAcknowledged: LogIndex = 0
    private(set) var acknowledged = 0
    private(set) var confirmedReads = 0

    /// Nil if all is well, else what is not.
    mutating func applied(_ entry: Entry, by member: NodeID) -> String? {
        let position = Int(entry.index) - 1
        if position < committed.count {
            let known = committed[position].entry
            return known == entry ? nil : "state machine safety: \(member) applied \(entry), others \(known)"
        }
        guard position == committed.count else { return "\(member) applied \(entry.index) after \(committed.count)" }
        committed.append((entry, SimulatedStateMachine.after(entry, committed.last?.state ?? .init())))
        return nil
    }

    func state(at index: LogIndex) -> SimulatedStateMachine.State? {
        index == 0 ? .init() : index <= committed.count ? committed[Int(index) - 1].state : nil
    }

    mutating func acknowledge(_ index: LogIndex, _ payload: [UInt8]) -> String? {
        acknowledged += 1
        highestAcknowledged = max(highestAcknowledged, index)
        guard index <= committed.count, committed[Int(index) - 1].entry.data == payload else {
            return "entry \(index) was acknowledged, and is not what was proposed"
        }
        return nil
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
        for (entry, _) in committed where entry.index >= core.firstIndex {
            guard core.term(at: entry.index) == entry.term else {
                return "leader completeness: \(member) leads term \(core.term) without entry \(entry.index)"
            }
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
