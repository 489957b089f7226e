/// What a leader knows of one follower.
struct FollowerProgress: Sendable {
    enum State: Sendable, Equatable {
        /// Where the logs meet is not known: one message at a time.
        case probe(sent: Bool)
        /// The logs meet: messages follow each other unanswered, up to the limits.
        case replicate
        /// The log no longer reaches back to where the follower is: it gets a snapshot first.
        case snapshot(SnapshotTransfer)
    }

    let id: NodeID
    /// The log equals the leader's up to here.
    var match: LogIndex = 0
    /// What to send next.
    var next: LogIndex
    var state: State = .probe(sent: false)
    /// The highest commit index that an append told it.
    var toldCommit: LogIndex = 0
    /// Last index and bytes of each append message that is not acknowledged, oldest first.
    private(set) var inflight: [(last: LogIndex, bytes: Int)] = []
    private(set) var inflightBytes = 0
    /// Heartbeats answered since it last made progress, while it has something to answer.
    var idleRounds = 0
    var lastContact: MonotonicInstant
    /// The entry that removed it. It is kept until it has heard that this is committed, so that it knows; it counts nowhere.
    var departure: LogIndex?
    /// The first heartbeat round that told it so.
    var farewellRound: UInt64?
    /// The latest heartbeat round that it answered.
    var round: UInt64 = 0
    /// When that round was sent: it has heard of the leader since.
    var confirmedAt: MonotonicInstant?

    init(id: NodeID, next: LogIndex, now: MonotonicInstant) {
        self.id = id
        self.next = next
        lastContact = now
    }

    mutating func becomeProbe(next: LogIndex) {
        state = .probe(sent: false)
        self.next = max(next, match + 1)
        forgetInflight()
    }

    mutating func becomeReplicate() {
        state = .replicate
        next = match + 1
        forgetInflight()
    }

    mutating func becomeSnapshot(_ metadata: SnapshotMetadata) {
        state = .snapshot(SnapshotTransfer(metadata: metadata))
        idleRounds = 0
        forgetInflight()
    }

    mutating func sent(last: LogIndex, bytes: Int) {
        inflight.append((last, bytes))
        inflightBytes += bytes
    }

    mutating func acknowledged(through index: LogIndex) {
        while let first = inflight.first, first.last <= index {
            inflightBytes -= first.bytes
            inflight.removeFirst()
        }
    }

    private mutating func forgetInflight() {
        inflight = []
        inflightBytes = 0
    }
}
