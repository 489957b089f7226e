internal import Platform

/// Runs one member: the core's effects against a log, a state machine and a transport. Synchronous, owned by one thread;
/// the simulator and `RaftNode` run this same class.
package final class RaftDriver {
    /// The answer to a proposal, a membership change or a read.
    package struct Outcome {
        package let token: UInt64
        /// The entry's index, or for a read the index that the state has reached; and what the state machine returned.
        package let result: Result<(index: LogIndex, bytes: [UInt8]), RaftError>
    }

    package internal(set) var core: RaftCore
    let settings: RaftSettings
    let disk: any Disk
    let sealing: FileSealing?
    let log: SegmentLog
    let votes: VoteFile
    let snapshots: SnapshotStore
    let stateMachine: any StateMachine
    let transport: any Transport

    /// Entries that someone waits for, by index.
    var waiters = EntryWaiters()
    /// Reads that wait for the core, oldest first, and then those that wait for the state to reach an index.
    var unconfirmedReads: [(token: UInt64, deadline: MonotonicInstant)] = []
    var confirmedReads: [(token: UInt64, index: LogIndex, deadline: MonotonicInstant)] = []
    /// Those who wait for leadership to have gone elsewhere.
    var transfers: [(token: UInt64, deadline: MonotonicInstant)] = []
    /// Learners on the way to a vote, oldest first.
    var promotions: [Promotion] = []
    private var outcomes: [Outcome] = []

    /// Writes that found the disk full, in order; the first is tried again at `retryAt`.
    var stalled: [Effects] = []
    var retryAt = MonotonicInstant(nanoseconds: 0)
    static let retryInterval: Duration = .milliseconds(100)

    /// Whether its own snapshots are part of `takeSnapshotWork` too, or are written a piece a turn.
    package var writesSnapshotsElsewhere = false
    /// What other threads are to do.
    var snapshotWork: [any SnapshotWork] = []
    var snapshotInProgress: SnapshotJob? {
        didSet { core.snapshotBegun(snapshotInProgress?.metadata.index) }
    }
    /// A leader's snapshot that is being read; one that was, and is about to be in force.
    var arrival: SnapshotArrival?
    var arrived: SnapshotArrival?
    var isCheckingSnapshot = false
    var bytesSinceSnapshot = 0
    /// The log on the disk was cut behind this.
    var compactedIndex: LogIndex = 0
    /// The newest snapshot does not check: another is due.
    var isSnapshotDamaged = false
    var snapshotRetryAt = MonotonicInstant(nanoseconds: 0)
    static let snapshotRetryInterval: Duration = .seconds(10)
    var resealRetryAt = MonotonicInstant(nanoseconds: 0)

    /// The member's divergence as it stands on the disk, and the entry up to which another's state took its place: once that is
    /// durable, the mark can go.
    var markedDivergence: Divergence?
    var mendedIndex: LogIndex = 0

    /// Told of the term that this member leads, 0 for none, and of the end of its lease there: before any message leaves that
    /// could make it untrue, and at the end of each `run`. For those who read by the lease on other threads.
    package var onLeadership: ((_ term: Term, _ leaseEnd: MonotonicInstant?) -> Void)?

    package private(set) var roleChanges: [RoleChange] = []
    package private(set) var now: MonotonicInstant

    /// Opens the member's files and brings the state machine to where its log or snapshot can take over. `seed` must differ at
    /// every start. Throws `corrupted`, `wrongKey`, `storageFailed`, `diskFull`, `alreadyInUse`.
    package init(
        id: NodeID, settings: RaftSettings, disk: any Disk, sealing: FileSealing? = nil, stateMachine: any StateMachine,
        transport: any Transport, seed: UInt64, now: MonotonicInstant
    ) throws {
        var random = SeededGenerator(seed: seed)
        let folder = try MemberFolder.open(
            id: id, settings: settings, disk: disk, sealing: sealing, seed: random.next())
        let (snapshots, recovered) = (folder.snapshots, folder.recovered)
        if stateMachine.appliedIndex < recovered.baseIndex, let snapshot = snapshots.latest,
            let source = try snapshots.read()
        {
            try stateMachine.read(from: source, index: snapshot.index)()
        }
        let applied = stateMachine.appliedIndex
        guard applied >= recovered.baseIndex, applied <= recovered.lastIndex else {
            throw RaftError(
                .corrupted,
                "the state is at entry \(applied), the log at \(recovered.baseIndex)...\(recovered.lastIndex)")
        }
        core = try RaftCore(
            id: id, settings: settings,
            restored: RaftCore.Restored(
                hardState: folder.hardState, snapshot: snapshots.latest, baseIndex: recovered.baseIndex,
                baseTerm: recovered.baseTerm, entries: recovered.entries, commitIndex: recovered.commitIndex,
                appliedIndex: applied),
            seed: random.next(), now: now)
        if try DivergenceMark.isThere(disk) {
            core.diverge(Divergence(index: applied))
        }
        markedDivergence = core.divergence
        self.disk = disk
        self.settings = settings
        self.sealing = sealing
        self.log = folder.log
        self.votes = folder.votes
        self.snapshots = snapshots
        self.stateMachine = stateMachine
        self.transport = transport
        self.now = now
    }

    /// Makes an empty folder the beginning of a group: the log of member `id` starts with `configuration`, committed. Every
    /// founder must be given the same configuration; usually there is one, and the others are added.
    ///
    /// Throws `alreadyInUse` if there is a log already.
    package static func bootstrap(
        id: NodeID, configuration: Configuration, settings: RaftSettings, disk: any Disk, sealing: FileSealing? = nil,
        seed: UInt64
    ) throws {
        let (votes, hardState, _) = try VoteFile.open(disk: disk, member: id)
        let (log, recovered) = try SegmentLog.open(
            disk: disk, segmentBytes: settings.segmentBytes, sealing: sealing, seed: seed)
        guard recovered.lastIndex == 0, hardState.term <= 1 else {
            throw RaftError(.alreadyInUse, "the member has a log already, up to entry \(recovered.lastIndex)")
        }
        try votes.write(HardState(term: 1))
        let entry = Entry(index: 1, term: 1, kind: .configuration, data: configuration.encoded())
        try log.append([entry], previousTerm: 0, commitIndex: 1)
    }

    /// Whether the folder holds a log already, be it damaged.
    package static func hasLog(_ disk: any Disk) throws -> Bool {
        try disk.list().contains { $0.hasPrefix(SegmentLog.prefix) || $0.hasPrefix(SnapshotStore.prefix) }
    }

    package var appliedIndex: LogIndex { stateMachine.appliedIndex }

    /// Takes a command; its outcome carries `token`.
    package func propose(_ payload: [UInt8], token: UInt64) {
        if refuseDiverged(token) { return }
        guard !log.isFull && stalled.isEmpty else {
            finish(token, RaftError(.diskFull, "no space for more log entries"))
            return
        }
        do {
            let index = try core.propose([payload], at: now)
            waiters.add(index, core.term, token, until: now + settings.answerTimeout)
        } catch { finish(token, error) }
    }

    /// Takes a change of the members; its outcome carries `token`.
    package func propose(_ change: MembershipChange, token: UInt64) {
        do {
            let index = try core.propose(change, at: now)
            waiters.add(index, core.term, token, until: now + settings.answerTimeout)
        } catch { finish(token, error) }
    }

    /// Asks for a moment from which on the state is at least as new as this call; the outcome carries `token`.
    package func read(token: UInt64, _ consistency: ReadConsistency = .quorum) {
        if refuseDiverged(token) { return }
        do {
            try core.read(token: token, consistency, at: now)
            unconfirmedReads.append((token, now + settings.answerTimeout))
        } catch { finish(token, error) }
    }

    /// Hands leadership over; the outcome carries `token`.
    package func transferLeadership(to target: NodeID?, token: UInt64) {
        do {
            try core.transferLeadership(to: target, at: now)
            transfers.append((token, now + settings.answerTimeout))
        } catch { finish(token, error) }
    }

    package func receive(_ message: Message) { core.receive(message, at: now) }

    /// The leader is known to be gone: see `RaftCore.forgetLeader`.
    package func forgetLeader() { core.forgetLeader(at: now) }

    /// See `RaftCore.allowLeases`.
    package func allowLeases(_ isAllowed: Bool) { core.allowLeases(isAllowed) }

    /// Nobody listens any more where the member was.
    func memberIsGone(_ member: NodeID) { if core.leader == member { forgetLeader() } }

    /// The time of everything that follows. Never goes back.
    package func advance(to instant: MonotonicInstant) { now = max(now, instant) }

    /// When `run` is wanted at the latest.
    package var nextDeadline: MonotonicInstant {
        if core.hasMoreCommitted || (snapshotInProgress != nil && !writesSnapshotsElsewhere) { return now }
        var deadline = core.nextDeadline
        deadline = min(deadline, waiters.deadline)
        if let read = unconfirmedReads.first { deadline = min(deadline, read.deadline) }
        if let read = confirmedReads.first { deadline = min(deadline, read.deadline) }
        if let promotion = promotions.first { deadline = min(deadline, promotion.deadline) }
        if let transfer = transfers.first { deadline = min(deadline, transfer.deadline) }
        if !stalled.isEmpty || log.isFull { deadline = min(deadline, retryAt) }
        return deadline
    }

    /// Lets time pass and does everything that follows from the inputs since the last call. A throw ends the member.
    package func run() throws {
        core.tick(at: now)
        try retryStalled()
        promote()
        while true {
            let effects = core.takeEffects()
            if effects.isEmpty { break }
            try carryOut(effects)
            try markDivergence()
        }
        giveUpUnwanted()
        // A lease that answers renewed, with nothing else to do.
        tellLeadership()
        giveUpLeading()
        try continueSnapshot()
        answerTransfers()
        expire()
    }

    /// The member ends. What other threads do for it is not needed any more.
    package func stop() { arrival?.giveUp() }

    func tellLeadership() { onLeadership?(core.role == .leader ? core.term : 0, core.leaseEnd) }

    /// What was answered since the last call.
    package func takeOutcomes() -> [Outcome] {
        defer { outcomes = [] }
        return outcomes
    }

    package func takeRoleChanges() -> [RoleChange] {
        defer { roleChanges = [] }
        return roleChanges
    }

    /// Whether a full disk keeps the member from writing.
    package var isDiskFull: Bool { log.isFull || !stalled.isEmpty }

    func finish(_ token: UInt64, _ error: RaftError) {
        outcomes.append(Outcome(token: token, result: .failure(error)))
    }

    func finish(_ token: UInt64, _ index: LogIndex, _ bytes: [UInt8]) {
        outcomes.append(Outcome(token: token, result: .success((index, bytes))))
    }

    func note(_ change: RoleChange) { roleChanges.append(change) }

    private func expire() {
        for waiter in waiters.take(at: now) {
            finish(waiter.token, RaftError(.timedOut, "entry \(waiter.index) is not committed yet"))
        }
        while let read = unconfirmedReads.first, read.deadline <= now {
            unconfirmedReads.removeFirst()
            finish(read.token, RaftError(.timedOut, "no quorum confirmed the leader"))
        }
        while let read = confirmedReads.first, read.deadline <= now {
            confirmedReads.removeFirst()
            finish(read.token, RaftError(.timedOut, "the state has not reached entry \(read.index) yet"))
        }
        while let transfer = transfers.first, transfer.deadline <= now {
            transfers.removeFirst()
            finish(transfer.token, RaftError(.timedOut, "this member leads no longer, and knows of no other leader"))
        }
    }
}
