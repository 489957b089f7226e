/// The state's digest as of an entry that all members compare at.
public struct Checkpoint: Equatable, Sendable {
    public let index: LogIndex
    public let digest: UInt64

    public init(index: LogIndex, digest: UInt64) {
        self.index = index
        self.digest = digest
    }
}

/// What makes a member's state one that must not be believed.
public struct Divergence: Equatable, Sendable, CustomStringConvertible {
    public let index: LogIndex
    /// What most members have there, and what this one does; both nil where it found the damage by itself, or before its start.
    public let expected: UInt64?
    public let found: UInt64?

    public init(index: LogIndex, expected: UInt64? = nil, found: UInt64? = nil) {
        self.index = index
        self.expected = expected
        self.found = found
    }

    public var description: String {
        guard let expected, let found else { return "found damaged at entry \(index)" }
        return "at entry \(index) it is \(hexadecimal(found)), and most have \(hexadecimal(expected))"
    }
}

/// What a member knows of how its state compares with the others'.
struct StateComparison: Sendable {
    /// Its own, at the latest checkpoint that it has applied.
    var checkpoint: Checkpoint?
    /// The leader has said what most have there.
    var isSettled = true
    /// The member does not answer, apply or take snapshots until it has another's state.
    var divergence: Divergence?
    /// The state that it is given, and which byte comes next.
    var incoming: (metadata: SnapshotMetadata, nextOffset: UInt64, isWhole: Bool)?

    // MARK: A leader's

    /// What voters have at the leader's own checkpoint; at most one a member.
    var reports: [(member: NodeID, digest: UInt64)] = []
    /// What most have.
    var verdict: Checkpoint?
    /// All have said what they have, and there is no majority.
    var isTied = false
    /// Members whose state is known to differ, sorted.
    var differing: [NodeID] = []
    /// A snapshot at least this new is wanted for one of them.
    var snapshotWanted: LogIndex = 0
    var nextMark: MonotonicInstant?
    /// Commands were taken since the last mark.
    var hasNews = false
}

extension Entry {
    /// A no-op with something in it: members compare their states there. Those that do not know it apply it as a no-op.
    static let checkpointMark: [UInt8] = [1]

    var isCheckpoint: Bool { kind == .noop && data == Self.checkpointMark }
}

extension RaftCore {
    /// Why this member's state must not be believed; nil where it may be.
    public var divergence: Divergence? { comparison.divergence }

    /// On a leader: members whose state differs from what most have.
    public var differing: [NodeID] { comparison.differing }

    /// On a leader: states differ, and no majority says which one is right.
    public var isTied: Bool { comparison.isTied }

    /// A driver with nobody to ask keeps what it has.
    var isAlone: Bool { configuration.electorate.map(\.id) == [id] }

    // MARK: Marking

    /// On a leader, with each heartbeat: enough time has passed, and something was written since the last mark.
    mutating func markCheckpoint() {
        guard let interval = settings.checkpointInterval, let leadership, leadership.transfer == nil,
            commitIndex >= leadership.firstIndex
        else { return }
        guard let next = comparison.nextMark else {
            comparison.nextMark = now + interval
            return
        }
        guard now >= next, comparison.hasNews else { return }
        appendAsLeader(kind: .noop, payloads: [Entry.checkpointMark])
        comparison.hasNews = false
        comparison.nextMark = now + interval
    }

    /// A new leader knows nothing of the others yet.
    mutating func beginComparing() {
        comparison.reports = []
        comparison.verdict = nil
        comparison.isTied = false
        comparison.differing = []
        comparison.snapshotWanted = 0
        comparison.nextMark = nil
        comparison.hasNews = false
    }

    /// The state machine has applied a checkpoint's entry and has this digest then.
    mutating func reached(_ checkpoint: Checkpoint) {
        guard comparison.divergence == nil else { return }
        comparison.checkpoint = checkpoint
        comparison.isSettled = false
        if role == .leader {
            comparison.reports = [(id, checkpoint.digest)]
            comparison.verdict = nil
            decide()
        } else {
            report()
        }
    }

    // MARK: Comparing

    /// Tells the leader what this member has, until it has heard what most have; asks it for its state, where that is wrong.
    mutating func report() {
        guard role == .follower, let leader else { return }
        // A snapshot does not go on that an earlier leader began to send, or that the log has caught up with.
        if let incoming, !incoming.isWhole,
            incoming.from != leader || log.term(at: incoming.metadata.index) == incoming.metadata.term
        {
            self.incoming = nil
        }
        if comparison.divergence != nil {
            guard incoming == nil, comparison.incoming?.isWhole != true else { return }
            let offset = comparison.incoming?.nextOffset ?? 0
            send(
                .stateRequest(
                    .init(appliedIndex: handedOutIndex, metadata: comparison.incoming?.metadata, offset: offset)),
                to: leader)
        } else if let checkpoint = comparison.checkpoint, !comparison.isSettled {
            send(.stateReport(checkpoint), to: leader)
        }
    }

    mutating func handleStateReport(_ report: Checkpoint, _ message: Message) {
        guard heard(from: message.from) != nil, let own = comparison.checkpoint, report.index == own.index else {
            return
        }
        if !comparison.reports.contains(where: { $0.member == message.from }) {
            comparison.reports.append((message.from, report.digest))
            decide()
        }
        if let verdict = comparison.verdict, verdict.index == report.index {
            note(message.from, differs: report.digest != verdict.digest)
            send(.stateVerdict(verdict), to: message.from)
        }
    }

    /// What a majority of the voters has is right; a tie is nobody's to decide.
    private mutating func decide() {
        guard comparison.verdict == nil, let own = comparison.checkpoint else { return }
        let voters = configuration.electorate.map(\.id)
        let reports = comparison.reports.filter { voters.contains($0.member) }
        for (_, digest) in reports where reports.filter({ $0.digest == digest }).count > voters.count / 2 {
            let verdict = Checkpoint(index: own.index, digest: digest)
            comparison.verdict = verdict
            comparison.isTied = false
            for report in comparison.reports where report.member != id {
                note(report.member, differs: report.digest != digest)
                send(.stateVerdict(verdict), to: report.member)
            }
            judge(verdict)
            return
        }
        comparison.isTied = reports.count == voters.count
    }

    private mutating func note(_ member: NodeID, differs: Bool) {
        comparison.differing.removeAll { $0 == member }
        if differs { comparison.differing = (comparison.differing + [member]).sorted() }
    }

    mutating func judge(_ verdict: Checkpoint) {
        guard let own = comparison.checkpoint, own.index == verdict.index, comparison.divergence == nil else { return }
        comparison.isSettled = true
        if own.digest != verdict.digest {
            diverge(Divergence(index: own.index, expected: verdict.digest, found: own.digest))
        }
    }

    /// From now on nothing is applied, and nothing is answered.
    mutating func diverge(_ divergence: Divergence) {
        guard comparison.divergence == nil, !isAlone else { return }
        comparison.divergence = divergence
        comparison.incoming = nil
        report()
    }

    // MARK: Mending

    /// A follower wants a state that is no older than its own.
    mutating func handleStateRequest(_ request: Message.StateRequest, _ message: Message) {
        guard heard(from: message.from) != nil else { return }
        note(message.from, differs: true)
        guard comparison.divergence == nil else { return }
        if let metadata = request.metadata {
            effects.stateReads.append(.init(to: message.from, metadata: metadata, offset: request.offset))
        } else if let snapshot, snapshot.index >= request.appliedIndex {
            effects.stateReads.append(.init(to: message.from, metadata: snapshot, offset: 0))
        } else {
            comparison.snapshotWanted = max(comparison.snapshotWanted, request.appliedIndex)
        }
    }

    /// The piece that `Effects.stateReads` asked for; nil where this member has no such snapshot, and a newer one must do.
    mutating func sendState(_ chunk: Message.SnapshotChunk?, for read: Effects.SnapshotRead) {
        guard role == .leader, comparison.divergence == nil else { return }
        if let chunk {
            send(.stateChunk(chunk), to: read.to)
        } else if let snapshot, snapshot.index >= read.metadata.index, snapshot != read.metadata {
            effects.stateReads.append(.init(to: read.to, metadata: snapshot, offset: 0))
        } else {
            comparison.snapshotWanted = max(comparison.snapshotWanted, read.metadata.index)
        }
    }

    mutating func handleStateChunk(_ chunk: Message.SnapshotChunk) {
        guard comparison.divergence != nil, incoming == nil, chunk.metadata.index >= handedOutIndex,
            !chunk.bytes.isEmpty, comparison.incoming?.isWhole != true
        else { return }
        if comparison.incoming?.metadata != chunk.metadata {
            guard chunk.offset == 0 else { return }
            comparison.incoming = (chunk.metadata, 0, false)
        }
        guard let expected = comparison.incoming?.nextOffset, chunk.offset == expected else { return }
        let next = expected + UInt64(chunk.bytes.count)
        comparison.incoming = (chunk.metadata, next, next == chunk.totalBytes)
        effects.stateWrites.append(chunk)
        // The next is asked for once this one is kept.
    }

    /// A piece is kept; there are more.
    mutating func stateKept() { report() }

    /// What came does not check: from the beginning.
    mutating func stateDamaged() {
        comparison.incoming = nil
        report()
    }

    /// Whether a state of which all pieces are there is still what this member needs; if not, it asks for another.
    mutating func needsState(_ metadata: SnapshotMetadata) -> Bool {
        guard comparison.divergence != nil, comparison.incoming?.metadata == metadata else { return false }
        let isNewEnough = metadata.index >= handedOutIndex
        let isInLog = log.term(at: metadata.index) == metadata.term
        if isNewEnough, isInLog || (metadata.index > commitIndex && role == .follower) { return true }
        stateDamaged()
        return false
    }

    /// The whole is checked and durable, and is this member's newest snapshot: the state gives way to it, the log stays where
    /// it knows the entry.
    mutating func stateReceived(_ metadata: SnapshotMetadata) {
        guard needsState(metadata) else { return }
        comparison.incoming = nil
        if log.term(at: metadata.index) == metadata.term {
            snapshot = metadata
            commit(through: metadata.index)
            handedOutIndex = metadata.index
        } else {
            replaceLog(by: metadata)
        }
        effects.committed = []
        effects.stateToRestore = metadata
        believe()
    }

    /// The state is another's, and as good as that one.
    mutating func believe() {
        comparison.divergence = nil
        comparison.incoming = nil
        comparison.checkpoint = nil
        comparison.isSettled = true
    }

    /// On a leader: a member reports that it is mended, by having nothing to mend.
    mutating func handleMended(_ message: Message) {
        guard heard(from: message.from) != nil else { return }
        note(message.from, differs: false)
    }
}
