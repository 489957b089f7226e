/// What only a leader knows.
struct Leadership: Sendable {
    /// The no-op it began its term with: before this is committed, nothing it counts commits and no read is confirmed.
    let firstIndex: LogIndex
    /// Sorted by id, without itself.
    var followers: [FollowerProgress]
    var heartbeatDeadline: MonotonicInstant
    /// The latest heartbeat round.
    var round: UInt64 = 0
    var uncommittedBytes = 0
    /// Reads that wait for the first commit of the term or for a round to begin, then for a quorum to answer that round.
    var waitingReads: [UInt64] = []
    var confirmingReads: [(token: UInt64, index: LogIndex, round: UInt64)] = []

    /// Set while leadership is handed to another member.
    var transfer: Transfer?

    var pendingReads: Int { waitingReads.count + confirmingReads.count }

    func position(of id: NodeID) -> Int? { followers.firstIndex { $0.id == id } }
}
