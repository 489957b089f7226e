/// One member's consensus, as a pure struct: messages, proposals, ticks and storage completions in, `Effects` out. It knows
/// no task, disk, socket, clock or unordered collection: the same inputs give the same effects, byte for byte.
///
/// Source: D. Ongaro, "Consensus: Bridging Theory and Practice" (the Raft thesis, 2014), with PreVote and CheckQuorum.
public struct RaftCore: Sendable {
    /// What a member found on its disk at start.
    public struct Restored: Sendable {
        public var hardState: HardState
        /// The newest durable snapshot.
        public var snapshot: SnapshotMetadata?
        /// The log's entries follow this one.
        public var baseIndex: LogIndex
        public var baseTerm: Term
        public var entries: [Entry]
        /// An index known to be committed.
        public var commitIndex: LogIndex
        /// What the state machine has applied for good.
        public var appliedIndex: LogIndex
    }

    public let id: NodeID
    public let settings: RaftSettings
    var random: SeededGenerator
    var now: MonotonicInstant

    public internal(set) var role = Role.follower
    public internal(set) var leader: NodeID?
    var hardState: HardState
    var log: LogWindow
    var configurations: ConfigurationHistory
    /// The newest snapshot that may be sent, and behind which the log may be cut.
    public internal(set) var snapshot: SnapshotMetadata?
    /// Its size, where this member took it.
    var snapshotBytes = 0
    /// The next one, which is being written, and since when.
    var snapshotUnderWay: (index: LogIndex, since: MonotonicInstant)?
    /// Entries behind its trail are kept for a follower.
    var isHoldingLog = false
    public internal(set) var commitIndex: LogIndex
    /// Everything up to here was handed out as committed.
    var handedOutIndex: LogIndex

    /// Entries up to here are on this member's disk.
    var durableIndex: LogIndex
    var durableHardState: HardState
    var unfinishedWrites: [UnfinishedWrite] = []
    private var writesStarted: UInt64 = 0

    var electionDeadline: MonotonicInstant
    var lastLeaderContact: MonotonicInstant?
    /// Until then this member helps elect nobody, itself included, whatever it hears: leases rest on it (thesis §6.4.1).
    var promisedUntil = MonotonicInstant(nanoseconds: 0)
    /// Whether it asks for such promises where it leads.
    var asksForLeases: Bool
    var votes = VoteTally()
    /// The snapshot that is being received.
    var incoming: IncomingSnapshot?

    var leadership: Leadership?

    var comparison = StateComparison()

    var effects = Effects()
    var reported: RoleChange

    /// A write handed to the driver and not reported as done. A later truncation lowers `lastIndex`: the write then says
    /// nothing of what replaced its entries.
    struct UnfinishedWrite: Sendable {
        let number: UInt64
        var lastIndex: LogIndex
        let hardState: HardState
    }

    /// `seed` drives the election timeouts. Throws `corrupted` if a configuration entry in the log does not parse.
    public init(
        id: NodeID, settings: RaftSettings, restored: Restored, seed: UInt64, now: MonotonicInstant
    ) throws(RaftError) {
        self.id = id
        self.settings = settings
        asksForLeases = settings.allowsLeases
        self.now = now
        random = SeededGenerator(seed: seed)
        hardState = restored.hardState
        durableHardState = restored.hardState
        log = LogWindow(
            baseIndex: restored.baseIndex, baseTerm: restored.baseTerm, entries: restored.entries)
        snapshot = restored.snapshot
        configurations = ConfigurationHistory(
            index: restored.snapshot?.index ?? 0, configuration: restored.snapshot?.configuration ?? Configuration())
        for entry in restored.entries where entry.kind == .configuration && entry.index > configurations.currentIndex {
            let configuration: Configuration
            do { configuration = try Configuration(decoding: entry.data) } catch {
                throw RaftError(.corrupted, "configuration entry \(entry.index)", cause: error)
            }
            configurations.append(configuration, at: entry.index)
        }
        durableIndex = log.lastIndex
        commitIndex = min(max(restored.commitIndex, restored.appliedIndex, log.baseIndex), log.lastIndex)
        handedOutIndex = max(restored.appliedIndex, log.baseIndex)
        electionDeadline = now
        reported = RoleChange(role: .follower, term: restored.hardState.term, leader: nil)
        resetElectionDeadline()
        if isAlone, configurations.currentIndex <= commitIndex {
            electionDeadline = now
        } else if restored.hardState.term > 0 {
            // Before the restart it may have made a promise, up to this moment. Not where it is known to be alone: whoever led it
            // there has led no more since.
            promisedUntil = now + settings.leaseTimeout
            if isAlone { electionDeadline = promisedUntil }
        }
    }

    public var term: Term { hardState.term }
    public var configuration: Configuration { configurations.current }
    public var lastIndex: LogIndex { log.lastIndex }
    /// The member that leads, with its address, as far as known.
    public var leaderMember: Member? { leader.flatMap { configuration.member($0) } }
    /// Where a member was last known to be: one that the configuration in force removes is still told so.
    func address(of member: NodeID) -> String? {
        (configuration.member(member) ?? configurations.previous?.member(member))?.address
    }
    /// Followers and how far each one's log is known to equal the leader's; empty if this is not the leader.
    public var followers: [(id: NodeID, match: LogIndex)] {
        leadership?.followers.filter { $0.departure == nil }.map { ($0.id, $0.match) } ?? []
    }

    /// On a leader: the followers that were heard of within the longest election timeout before `now`; sorted.
    func reachable(at now: MonotonicInstant) -> [NodeID] {
        (leadership?.followers ?? []).filter { $0.lastContact + settings.longestElectionTimeout >= now }.map(\.id)
            .sorted()
    }

    /// What this member's disk holds for certain: entries up to `index`, whose term is `term`, and the hard state.
    package var promised: (index: LogIndex, term: Term, hardState: HardState) {
        (durableIndex, log.term(at: durableIndex) ?? 0, durableHardState)
    }

    /// The log's first index that is still in memory.
    public var firstIndex: LogIndex { log.baseIndex + 1 }

    /// The entries in memory from `first` to `last`, for inspection.
    public func entries(_ range: ClosedRange<LogIndex>) -> [Entry] {
        let first = max(range.lowerBound, firstIndex)
        return first > range.upperBound ? [] : log.slice(from: first, through: range.upperBound, limit: .max)
    }

    /// The term of an entry, nil where the log in memory does not reach.
    public func term(at index: LogIndex) -> Term? { log.term(at: index) }

    /// What a snapshot of the state at `index` stands for; nil if the log no longer knows the entry.
    public func metadata(at index: LogIndex) -> SnapshotMetadata? {
        if let snapshot, snapshot.index == index { return snapshot }
        guard let term = log.term(at: index) else { return nil }
        return SnapshotMetadata(
            index: index, term: term, configuration: configurations.configuration(at: index))
    }

    /// When `tick` is wanted at the latest.
    public var nextDeadline: MonotonicInstant {
        leadership.map { min($0.heartbeatDeadline, $0.announcementDeadline, $0.readDeadline) } ?? electionDeadline
    }

    /// Time has passed. Messages that have arrived meanwhile go in first.
    public mutating func tick(at instant: MonotonicInstant) {
        now = max(now, instant)
        if role == .leader {
            tickLeader()
            askAllIfLate()
        } else if now >= electionDeadline {
            electionTimedOut()
        }
    }

    /// A message from another member. Whatever it says, it does not trap; nonsense is ignored.
    public mutating func receive(_ message: Message, at instant: MonotonicInstant) {
        now = max(now, instant)
        guard message.to == id, message.from != id, message.from.value != 0 else { return }
        if message.term > term {
            switch message.body {
            case .vote(let request) where hearsLeader && !request.isByTransfer:
                return
            case .vote(let request) where request.isPreVote:
                break
            case .voteResponse(let response) where response.isPreVote && response.granted:
                break
            default:
                becomeFollower(term: message.term, leader: nil)
            }
        } else if message.term < term {
            answerBehind(message)
            return
        }
        switch message.body {
        case .vote(let request): handleVoteRequest(request, message)
        case .voteResponse(let response): handleVoteResponse(response, message)
        case .append(let request): if follow(message.from) { handleAppend(request, message) }
        case .heartbeat(let heartbeat): if follow(message.from) { handleHeartbeat(heartbeat, message) }
        case .snapshot(let chunk): if follow(message.from) { handleSnapshotChunk(chunk, message) }
        case .appendResponse(let response): handleAppendResponse(response, message)
        case .heartbeatResponse(let response): handleHeartbeatResponse(response, message)
        case .snapshotResponse(let response): handleSnapshotResponse(response, message)
        case .timeoutNow: if follow(message.from) { handleTimeoutNow() }
        case .stateReport(let report): handleStateReport(report, message)
        case .stateVerdict(let verdict): if follow(message.from) { judge(verdict) }
        case .stateRequest(let request): handleStateRequest(request, message)
        case .stateChunk(let chunk): if follow(message.from) { handleStateChunk(chunk) }
        case .stateMended: handleMended(message)
        }
    }

    /// Everything wanted since the last call.
    public mutating func takeEffects() -> Effects {
        if role == .leader {
            startReadRound()
            leaveJointConfiguration()
            replicate()
            continueTransfer()
            stepDownIfRemoved()
        }
        handOutCommitted()
        let change = RoleChange(role: role, term: term, leader: leader)
        if change != reported {
            reported = change
            effects.roleChange = change
        }
        if effects.hardState != nil || !effects.entries.isEmpty {
            writesStarted += 1
            effects.writeNumber = writesStarted
            unfinishedWrites.append(
                UnfinishedWrite(number: writesStarted, lastIndex: log.lastIndex, hardState: hardState))
        }
        if let first = effects.entries.first { effects.previousTerm = log.term(at: first.index - 1) ?? 0 }
        effects.commitIndex = commitIndex
        defer { effects = Effects() }
        return effects
    }

    /// Whether `takeEffects` would return something that was not asked for yet.
    public var hasMoreCommitted: Bool {
        comparison.divergence == nil && handedOutIndex < min(commitIndex, durableIndex)
    }

    /// The write of `Effects.writeNumber`, and every one before it, is on the disk.
    public mutating func written(_ number: UInt64) {
        while let write = unfinishedWrites.first, write.number <= number {
            unfinishedWrites.removeFirst()
            durableIndex = max(durableIndex, write.lastIndex)
            durableHardState = write.hardState
        }
        if role == .candidate, durableHardState.term == term {
            record(vote: true, from: id)
        } else if role == .leader {
            advanceCommit()
        }
    }

    mutating func send(_ body: Message.Body, to peer: NodeID, term: Term? = nil) {
        effects.messages.append(Message(from: id, to: peer, term: term ?? self.term, body: body))
    }

    mutating func sendAfterSync(_ body: Message.Body, to peer: NodeID, term: Term? = nil) {
        effects.messagesAfterSync.append(Message(from: id, to: peer, term: term ?? self.term, body: body))
    }

    mutating func fault(_ reason: String) {
        if effects.fault == nil { effects.fault = reason }
    }

    private mutating func handOutCommitted() {
        let bound = min(commitIndex, durableIndex)
        guard handedOutIndex < bound, handedOutIndex >= log.baseIndex, comparison.divergence == nil else { return }
        let entries = log.slice(from: handedOutIndex + 1, through: bound, limit: settings.maximumApplyBytes)
        handedOutIndex += UInt64(entries.count)
        effects.committed.append(contentsOf: entries)
    }
}
