public import Platform
internal import Synchronization

/// A member of a consensus group, on a thread of its own. What arrives while that thread waits for its disk is taken
/// together: one append and one sync for all of it.
///
/// Everything here may be called from any thread or task.
public final class RaftNode: Sendable {
    /// Where a member keeps its log, who it is, and how it is set.
    public struct Options: Sendable {
        /// Drawn anew whenever a member joins with an empty folder: see `NodeID`.
        public var id: NodeID
        /// Holds log, votes and snapshots; made where missing, used by one process at a time.
        public var directory: String
        public var settings: RaftSettings
        /// Founds a group if the folder is empty: usually of this member alone. Nil joins one, by waiting to be added.
        public var founders: Configuration?
        /// Seals log and snapshots; nil keeps them plain.
        public var sealing: FileSealing?
        /// Names the thread.
        public var name: String

        public init(
            id: NodeID, directory: String, settings: RaftSettings = RaftSettings(), founders: Configuration? = nil,
            name: String = "raft"
        ) {
            self.id = id
            self.directory = directory
            self.settings = settings
            self.founders = founders
            self.sealing = nil
            self.name = name
        }
    }

    /// An applied entry's index and what the state machine returned for it.
    public struct Answer: Sendable, Equatable {
        public let index: LogIndex
        public let bytes: [UInt8]
    }

    /// A member's view of the group, a moment ago.
    public struct Status: Sendable {
        public var role = Role.follower
        public var term: Term = 0
        /// The leader that this member follows, or itself.
        public var leader: NodeID?
        public var configuration = Configuration()
        public var lastIndex: LogIndex = 0
        public var commitIndex: LogIndex = 0
        public var appliedIndex: LogIndex = 0
        public var snapshotIndex: LogIndex = 0
        /// On a leader: how far each follower's log is known to equal its own.
        public var followers: [(id: NodeID, match: LogIndex)] = []
        /// On a leader: the followers that were heard of lately.
        public var reachable: [NodeID] = []
        public var isDiskFull = false
        public var isStopped = false
        /// Why it stopped by itself.
        public var failure: RaftError?

        /// Why this member's state is not to be believed: it answers nothing until it has the leader's.
        public var divergence: Divergence?
        /// On a leader: members whose state differs from what most have.
        public var differing: [NodeID] = []
        /// On a leader: states differ, and there is no majority to say which one is right.
        public var isTied = false

        /// Whether this member votes; false before it is added, while it only learns, and after it is removed.
        public var isVoter = false

        /// The leader with its address, if known.
        public var leaderMember: Member? { leader.flatMap { configuration.member($0) } }
    }

    struct Shared: Sendable {
        var status = Status()
        var observers: [Int: AsyncStream<RoleChange>.Continuation] = [:]
        var nextObserver = 0
        var stopWaiters: [CheckedContinuation<RaftError?, Never>] = []
    }

    public let id: NodeID
    public let settings: RaftSettings
    /// What the member's thread waits by. Connections of other members are best read there: their messages then need no other
    /// thread. What runs there must not block, and waits while the member writes to its disk.
    public let loop: EventLoop
    let mailbox: Mailbox
    let callers = Callers()
    let shared = Mutex(Shared())
    let log = Logger("raft")
    /// When the turn began that the member's thread is in; 0 while it waits for something to do.
    let turnBegan = Atomic<UInt64>(0)
    /// A turn of more than this is a disk that hangs, in nanoseconds.
    private let patience: UInt64
    /// The term that this member leads; 0 where it does not.
    let ledTerm = Atomic<Term>(0)
    /// When its lease there ends, by `MemberClock`; 0 where there is none.
    let leaseEnd = Atomic<UInt64>(0)
    let hasLeader = Atomic(false)
    let hasSoundState = Atomic(true)

    private init(_ options: Options) throws {
        loop = try EventLoop(drivenAs: options.name)
        mailbox = Mailbox(for: loop)
        id = options.id
        settings = options.settings
        patience = options.settings.longestElectionTimeout.wholeNanoseconds
    }

    /// Opens the folder and starts the member. Throws what keeps it from starting: `corrupted`, `wrongKey`, `alreadyInUse`,
    /// `storageFailed`, `diskFull`, or the state machine's own error.
    public static func start(
        _ options: Options, stateMachine: any StateMachine & Sendable, transport: any Transport & Sendable
    ) async throws -> RaftNode {
        let node = try RaftNode(options)
        try await withCheckedThrowingContinuation { (started: CheckedContinuation<Void, any Error>) in
            startThread(named: options.name) {
                do {
                    let (driver, disk) = try Self.open(options, stateMachine, transport)
                    node.publish(driver)
                    node.answerWhileStuck()
                    started.resume()
                    node.run(driver, disk)
                } catch {
                    started.resume(throwing: error)
                }
            }
        }
        return node
    }

    private static func open(
        _ options: Options, _ stateMachine: any StateMachine, _ transport: any Transport
    ) throws -> (RaftDriver, DirectoryDisk) {
        let disk = try DirectoryDisk(path: options.directory)
        try disk.lock()
        var random = SystemRandomNumberGenerator()
        if let founders = options.founders, try !RaftDriver.hasLog(disk) {
            try RaftDriver.bootstrap(
                id: options.id, configuration: founders, settings: options.settings, disk: disk,
                sealing: options.sealing, seed: random.next())
        }
        let driver = try RaftDriver(
            id: options.id, settings: options.settings, disk: disk, sealing: options.sealing,
            stateMachine: stateMachine, transport: transport, seed: random.next(), now: MemberClock.now())
        return (driver, disk)
    }

    /// A message from another member, as the transport received it. Dropped when too much waits already.
    public func receive(_ message: Message) {
        _ = mailbox.post(.message(message), bytes: message.cost)
    }

    /// Nobody listens any more where another member was: its process has ended. Had it been the leader, this one waits for no
    /// sign of it any more. A mistake costs an attempt at an election, which members that hear their leader refuse.
    public func memberIsGone(_ member: NodeID) { _ = mailbox.post(.gone(member), bytes: 0) }

    /// Replicates a command; returns once it is applied here.
    ///
    /// Throws `notLeader`, `overloaded`, `tooLarge` or `diskFull` if it was not taken; `droppedByNewLeader` if it will never be
    /// applied; `timedOut` or `stopped` if that is unknown.
    public func propose(_ bytes: [UInt8]) async throws -> Answer {
        try await ask(bytes: bytes.count) { .proposal(bytes, $0) }
    }

    /// Returns the index of an applied entry after which the state shows everything acknowledged before this call.
    ///
    /// Throws `notLeader`, `overloaded`, `timedOut`, `stopped`.
    public func readIndex(_ consistency: ReadConsistency = .quorum) async throws -> LogIndex {
        try await ask(bytes: 0) { .read(consistency, $0) }.index
    }

    /// Adds a voter, or changes the address of one; returns once that is committed. The new member must run: it is a
    /// learner until it has caught up, and counts towards every quorum from then on.
    ///
    /// Throws as `propose`, and `changeInProgress` (try again), `invalidChange`, or `timedOut` where it stays a learner.
    @discardableResult
    public func addVoter(_ member: Member) async throws -> LogIndex {
        // It waits until the member has caught up.
        try await ask(bytes: 0, within: settings.promotionTimeout + settings.answerTimeout) {
            .change(.add(member), $0)
        }.index
    }

    /// Adds a member that gets everything and does not vote; returns once that is committed.
    ///
    /// Throws as `addVoter`.
    @discardableResult
    public func addLearner(_ member: Member) async throws -> LogIndex {
        try await ask(bytes: 0) { .change(.addLearner(member), $0) }.index
    }

    /// Adds and removes any number of voters at once; returns once both the old and the new have committed that they are to
    /// decide together. That the new decide alone follows by itself. Who is added should be a learner that has caught up.
    ///
    /// Throws as `addVoter`.
    @discardableResult
    public func changeVoters(adding: [Member], removing: [NodeID]) async throws -> LogIndex {
        try await ask(bytes: 0) { .change(.joint(adding: adding, removing: removing, leavesItself: true), $0) }.index
    }

    /// Removes a voter, be it this one, or a learner; returns once that is committed.
    ///
    /// Throws as `addVoter`.
    @discardableResult
    public func removeVoter(_ id: NodeID) async throws -> LogIndex {
        try await ask(bytes: 0) { .change(.remove(id), $0) }.index
    }

    /// Hands leadership to a voter, or to the best one if none is named; returns once another member leads. Nothing is
    /// proposed meanwhile: callers are told `notLeader`.
    ///
    /// Throws `notLeader`, `changeInProgress`, `invalidChange` (nobody else may lead), `timedOut` (this member may lead on).
    public func transferLeadership(to target: NodeID? = nil) async throws {
        _ = try await ask(bytes: 0) { .transfer(target, $0) }
    }

    /// The state's keeper found it damaged: it is replaced by the leader's, and asked nothing before. On a member that is alone
    /// nothing happens, for nobody has another one.
    public func reportDamage() { _ = mailbox.post(.damage, bytes: 0) }

    /// Sees to it that log and snapshots are sealed with the newest key alone; to be called again until they are.
    ///
    /// - Returns: whether they are. An earlier key is needed no more then.
    /// - Throws: `overloaded`, `stopped`.
    public func reseal() async throws -> Bool { try await ask(bytes: 0) { .reseal($0) }.index == 1 }

    public var status: Status {
        var status = shared.withLock { $0.status }
        if isStuck { status.stepDown() }
        return status
    }

    /// The term that this member leads; nil where it does not. Cheaper than `status`, as is `knowsLeader`.
    public var leadingTerm: Term? {
        let term = ledTerm.load(ordering: .acquiring)
        return term == 0 || isStuck ? nil : term
    }

    /// Whether this member leads the term and nobody else can have been elected since, at some moment during the call: what its
    /// state shows afterwards, if it has shown the beginning of that term before (`readIndex`), includes all that was
    /// acknowledged before the call. By clocks, and without a message: see `ReadConsistency.lease`.
    public func holdsLease(in term: Term) -> Bool {
        // The end before the term: the member's thread tells the term first.
        let end = leaseEnd.load(ordering: .acquiring)
        guard end != 0, ledTerm.load(ordering: .acquiring) == term else { return false }
        return MemberClock.now() < MonotonicInstant(nanoseconds: end)
    }

    /// Has this member, where it leads, read by its lease, or no more: see `RaftCore.allowLeases`.
    public func allowLeases(_ isAllowed: Bool) { _ = mailbox.post(.leases(isAllowed), bytes: 0) }

    /// Whether the state is to be believed, as far as anybody knows: see `Status.divergence`.
    public var isSound: Bool { hasSoundState.load(ordering: .relaxed) }

    public var knowsLeader: Bool {
        hasLeader.load(ordering: .relaxed) && !(isStuck && ledTerm.load(ordering: .relaxed) != 0)
    }

    /// Whether the member's thread has been in one turn for longer than others wait for a leader: its disk hangs. They have
    /// elected another by now, which this member learns when the disk lets go of it.
    private var isStuck: Bool {
        let began = turnBegan.load(ordering: .relaxed)
        return began != 0 && MemberClock.now().elapsed(since: MonotonicInstant(nanoseconds: began + patience)) > .zero
    }

    /// Answers those who wait while the member's thread hangs, which is not there to do it.
    private func answerWhileStuck() {
        // Lives until the member has stopped, and looks so seldom that it costs nothing.
        Task {
            while !shared.withLock({ $0.status.isStopped }) {
                try? await Task.sleep(for: .nanoseconds(Int64(clamping: patience)))
                guard isStuck else { continue }
                let untaken = RaftError(.notLeader(leader: nil), "the disk of this member hangs; nothing was taken")
                for token in mailbox.withdrawRequests() { callers.answer(token, .failure(untaken)) }
                let late = RaftError(.timedOut, "the disk of this member hangs; what was asked may still be done")
                callers.refuse(lateAt: MemberClock.now(), late)
            }
        }
    }

    /// The role now, then each change of role, term or leader. Ends when the member stops. A slow reader misses the oldest.
    public func roleChanges() -> AsyncStream<RoleChange> {
        let (stream, continuation) = AsyncStream.makeStream(of: RoleChange.self, bufferingPolicy: .bufferingNewest(64))
        let number: Int? = shared.withLock { shared in
            let status = shared.status
            continuation.yield(RoleChange(role: status.role, term: status.term, leader: status.leader))
            guard !status.isStopped else { return nil }
            shared.nextObserver += 1
            shared.observers[shared.nextObserver] = continuation
            return shared.nextObserver
        }
        guard let number else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.shared.withLock { $0.observers.removeValue(forKey: number) }
        }
        return stream
    }

    /// Stops the member; returns once its thread has let go of the folder.
    public func stop() async {
        _ = mailbox.post(.stop, bytes: 0)
        _ = await stopped()
    }

    /// Waits until the member has stopped, and says why if it did so by itself.
    public func stopped() async -> RaftError? {
        await withCheckedContinuation { (waiter: CheckedContinuation<RaftError?, Never>) in
            let status: Status? = shared.withLock { shared in
                if !shared.status.isStopped { shared.stopWaiters.append(waiter) }
                return shared.status.isStopped ? shared.status : nil
            }
            if let status { waiter.resume(returning: status.failure) }
        }
    }

    private func ask(
        bytes: Int, within limit: Duration? = nil, _ item: (Mailbox.Token) -> Mailbox.Item
    ) async throws -> Answer {
        try await withCheckedThrowingContinuation { continuation in
            if isStuck {
                let error = RaftError(.notLeader(leader: nil), "the disk of this member hangs; nothing was taken")
                return continuation.resume(throwing: error)
            }
            let token = callers.add(continuation, until: MemberClock.now() + (limit ?? settings.answerTimeout))
            switch mailbox.post(item(token), bytes: bytes) {
            case nil: break
            case .full?:
                let error = RaftError(.overloaded, "too much waits for the member's thread")
                callers.answer(token, .failure(error))
            case .closed?: callers.answer(token, .failure(RaftError(.stopped, "the member has stopped")))
            }
        }
    }
}

extension RaftNode.Status {
    /// As others see a member that does not answer.
    fileprivate mutating func stepDown() {
        if role == .leader { leader = nil }
        role = .follower
        followers = []
        reachable = []
    }
}

extension Message {
    /// About how many bytes the message holds.
    var cost: Int {
        switch body {
        case .append(let request): 64 + request.entries.reduce(0) { $0 + $1.cost }
        case .snapshot(let chunk), .stateChunk(let chunk): 128 + chunk.bytes.count
        default: 64
        }
    }
}
