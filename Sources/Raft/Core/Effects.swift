/// What the core wants done, gathered over any number of inputs. The driver works it off in this order: send `messages`;
/// write `hardState`; put `snapshotToInstall` in the place of state and log; write `entries` (the first one's index cuts
/// off what the log has from there on) and sync; keep `snapshotWrites`; send `messagesAfterSync`; report `writeNumber` as
/// done; apply `committed`; answer reads.
public struct Effects: Sendable {
    /// Names this write towards `RaftCore.written(_:)`; nil if there is nothing to write.
    public internal(set) var writeNumber: UInt64?
    public internal(set) var hardState: HardState?
    public internal(set) var entries: [Entry] = []
    /// The term of the entry before the first of `entries`.
    public internal(set) var previousTerm: Term = 0
    /// The commit index to note beside the entries.
    public internal(set) var commitIndex: LogIndex = 0
    /// May leave before anything is durable.
    public internal(set) var messages: [Message] = []
    /// Promises: may leave only once all of the above is durable.
    public internal(set) var messagesAfterSync: [Message] = []
    /// Pieces of the current snapshot that a follower waits for.
    public internal(set) var snapshotReads: [SnapshotRead] = []
    /// A follower that was sent all of this snapshot wants it from the start: what this member has may be damaged.
    public internal(set) var doubtedSnapshot: SnapshotMetadata?
    /// Pieces of the leader's snapshot to keep; after the last one, `RaftCore.snapshotReceived` or `snapshotDamaged`.
    public internal(set) var snapshotWrites: [Message.SnapshotChunk] = []
    /// Pieces of a snapshot that a member wants whose state differs.
    public internal(set) var stateReads: [SnapshotRead] = []
    /// Pieces of the leader's state to keep, for this member's differs.
    public internal(set) var stateWrites: [Message.SnapshotChunk] = []
    /// The state machine starts anew from this snapshot, which is complete, durable and the newest; the log stays, unless
    /// `snapshotToInstall` is the same.
    public internal(set) var stateToRestore: SnapshotMetadata?
    /// State machine and log start anew from this snapshot, which is complete and durable.
    public internal(set) var snapshotToInstall: SnapshotMetadata?
    /// To apply, in order; each index once.
    public internal(set) var committed: [Entry] = []
    /// Confirmed reads, by the token of `RaftCore.read`: they may be served once `index` is applied.
    public internal(set) var reads: [(token: UInt64, index: LogIndex)] = []
    /// Reads that this member can no longer confirm.
    public internal(set) var failedReads: [UInt64] = []
    public internal(set) var roleChange: RoleChange?
    /// The member must stop: it or another broke the protocol.
    public internal(set) var fault: String?

    /// A piece of the latest snapshot that a follower is to be sent.
    public struct SnapshotRead: Sendable {
        public let to: NodeID
        public let metadata: SnapshotMetadata
        public let offset: UInt64
    }

    var isEmpty: Bool {
        writeNumber == nil && messages.isEmpty && messagesAfterSync.isEmpty && snapshotReads.isEmpty
            && doubtedSnapshot == nil && snapshotWrites.isEmpty && snapshotToInstall == nil && committed.isEmpty
            && reads.isEmpty && stateReads.isEmpty && stateWrites.isEmpty && stateToRestore == nil
            && failedReads.isEmpty && roleChange == nil && fault == nil
    }
}
