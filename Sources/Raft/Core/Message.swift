/// What members say to each other. `term` is the sender's, but for a pre-vote: there it is the term it would campaign in.
public struct Message: Equatable, Sendable {
    public let from: NodeID
    public let to: NodeID
    public let term: Term
    public let body: Body

    public init(from: NodeID, to: NodeID, term: Term, body: Body) {
        self.from = from
        self.to = to
        self.term = term
        self.body = body
    }

    /// What is said; each pair of request and response is one of the protocol's calls.
    public enum Body: Equatable, Sendable {
        case vote(VoteRequest)
        case voteResponse(VoteResponse)
        case append(AppendRequest)
        case appendResponse(AppendResponse)
        case heartbeat(Heartbeat)
        case heartbeatResponse(HeartbeatResponse)
        case snapshot(SnapshotChunk)
        case snapshotResponse(SnapshotResponse)
        /// The leader hands over: campaign at once.
        case timeoutNow
        /// What the sender's state is at a checkpoint.
        case stateReport(Checkpoint)
        /// What most members' is there.
        case stateVerdict(Checkpoint)
        case stateRequest(StateRequest)
        case stateChunk(SnapshotChunk)
        /// The sender's state was replaced by the leader's.
        case stateMended
    }

    /// Asks for a vote, or whether a vote would be given (`isPreVote`: nobody changes its term for it).
    public struct VoteRequest: Equatable, Sendable {
        public var isPreVote: Bool
        /// The leader itself asked for this campaign: nobody need be faithful to it.
        public var isByTransfer = false
        public var lastIndex: LogIndex
        public var lastTerm: Term
    }

    /// Whether the vote was given, and in which term the voter is.
    public struct VoteResponse: Equatable, Sendable {
        public var isPreVote: Bool
        public var granted: Bool
    }

    /// Entries that follow `(previousIndex, previousTerm)`; their indexes are consecutive.
    public struct AppendRequest: Equatable, Sendable {
        public var previousIndex: LogIndex
        public var previousTerm: Term
        public var commit: LogIndex
        public var entries: [Entry]
    }

    /// Accepted: the log equals the leader's up to `index`. Rejected: `index` is the `previousIndex` that did not match, and
    /// the hint is the last entry at or before it whose term is not above the leader's there.
    public struct AppendResponse: Equatable, Sendable {
        public var rejected: Bool
        public var index: LogIndex
        public var hintIndex: LogIndex
        public var hintTerm: Term
    }

    /// The leader lives. `round` counts its heartbeats, so that an answer proves that it still led when that one was sent.
    public struct Heartbeat: Equatable, Sendable {
        public var commit: LogIndex
        public var round: UInt64
        /// Whoever answers helps depose nobody for `RaftSettings.leaseTimeout`. On the wire it is a kind of message of its own, which
        /// members of before leases do not know.
        public var asksPromise = false
    }

    /// That the follower still follows; carries back what the heartbeat asked to be confirmed.
    public struct HeartbeatResponse: Equatable, Sendable {
        public var round: UInt64
    }

    /// Bytes of a snapshot file from `offset` on.
    public struct SnapshotChunk: Equatable, Sendable {
        public var metadata: SnapshotMetadata
        public var totalBytes: UInt64
        public var offset: UInt64
        public var bytes: [UInt8]
    }

    /// The byte that the follower wants next of the snapshot at `index`.
    public struct SnapshotResponse: Equatable, Sendable {
        public var index: LogIndex
        public var nextOffset: UInt64
    }
}
