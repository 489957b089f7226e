/// What only a leader knows.
struct Leadership: Sendable {
    /// The no-op it began its term with: before this is committed, nothing it counts commits and no read is confirmed.
    let firstIndex: LogIndex
    /// Sorted by id, without itself.
    var followers: [FollowerProgress]
    var heartbeatDeadline: MonotonicInstant
    /// The latest heartbeat round.
    var round: UInt64 = 0
    /// When the latest rounds were sent, the last being `round`.
    private(set) var roundTimes: [MonotonicInstant] = []
    /// A member was told to campaign in this term, whoever hears a leader: that message may arrive late, so leases are over.
    var hasTold = false
    /// When the latest round was sent that a quorum has answered with its promise; nil where there is none. A lease begins there.
    var leaseBegan: MonotonicInstant?
    /// The first round that asked for promises.
    private(set) var firstPromisedRound: UInt64 = 0
    var uncommittedBytes = 0
    /// The commit index that followers are told of also where there is nothing else to tell them, and when it is to move on.
    private(set) var announced: LogIndex = 0
    private(set) var announcementDeadline = MonotonicInstant.distantFuture
    /// Reads that wait for the first commit of the term or for a round to begin, then for a quorum to answer that round.
    var waitingReads: [UInt64] = []
    var confirmingReads: [(token: UInt64, index: LogIndex, round: UInt64)] = []
    /// When followers that no read round asked are asked too, as those that it asked have not answered.
    var readDeadline = MonotonicInstant.distantFuture

    /// Set while leadership is handed to another member.
    var transfer: Transfer?

    var pendingReads: Int { waitingReads.count + confirmingReads.count }

    /// Begins a heartbeat round. Times before `horizon` are forgotten.
    mutating func beginRound(at now: MonotonicInstant, horizon: MonotonicInstant) {
        round += 1
        let outdated = roundTimes.prefix { $0 < horizon }.count
        // Not one by one, so that forgetting stays cheap.
        if outdated > 256 { roundTimes.removeFirst(outdated) }
        roundTimes.append(now)
    }

    /// When a round was sent; nil if that was long ago, or no promise was asked for.
    func time(ofRound number: UInt64) -> MonotonicInstant? {
        guard number <= round, number >= firstPromisedRound, round - number < UInt64(roundTimes.count) else {
            return nil
        }
        return roundTimes[roundTimes.count - 1 - Int(round - number)]
    }

    /// What was answered so far was no promise, or is not to count as one.
    mutating func forgetPromises() {
        firstPromisedRound = round + 1
        leaseBegan = nil
        for position in followers.indices { followers[position].confirmedAt = nil }
    }

    /// Something is committed; followers are to know of it `delay` from the first time on that they do not.
    mutating func announce(after delay: Duration, at now: MonotonicInstant) {
        announcementDeadline = min(announcementDeadline, now + delay)
    }

    /// Moves `announced` on if it is time, or forgets about it where every follower was told with something else.
    mutating func announceIfDue(_ commitIndex: LogIndex, at now: MonotonicInstant) {
        if now >= announcementDeadline {
            announced = commitIndex
            announcementDeadline = .distantFuture
        } else if followers.allSatisfy({ $0.toldCommit >= commitIndex }) {
            announcementDeadline = .distantFuture
        }
    }

    func position(of id: NodeID) -> Int? { followers.firstIndex { $0.id == id } }
}
