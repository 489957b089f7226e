internal import Platform
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

    private struct Shared: Sendable {
        var status = Status()
        var observers: [Int: AsyncStream<RoleChange>.Continuation] = [:]
        var nextObserver = 0
        var stopWaiters: [CheckedContinuation<RaftError?, Never>] = []
    }

    public let id: NodeID
    private let mailbox = Mailbox()
    private let shared = Mutex(Shared())
    let log = Logger("raft")
    /// When the turn began that the member's thread is in; 0 while it waits for something to do.
    private let turnBegan = Atomic<UInt64>(0)
    private let patience: UInt64

    private init(_ options: Options) {
        id = options.id
        patience = options.settings.longestElectionTimeout.wholeNanoseconds
    }

    /// Opens the folder and starts the member. Throws what keeps it from starting: `corrupted`, `alreadyInUse`,
    /// `storageFailed`, `diskFull`, or the state machine's own error.
    public static func start(
        _ options: Options, stateMachine: any StateMachine & Sendable, transport: any Transport & Sendable
    ) async throws -> RaftNode {
        let node = RaftNode(options)
        try await withCheckedThrowingContinuation { (started: CheckedContinuation<Void, any Error>) in
            startThread(named: options.name) {
                do {
                    let (driver, disk) = try Self.open(options, stateMachine, transport)
                    node.publish(driver)
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
                id: options.id, configuration: founders, settings: options.settings, disk: disk, seed: random.next())
        }
        let driver = try RaftDriver(
            id: options.id, settings: options.settings, disk: disk, stateMachine: stateMachine, transport: transport,
            seed: random.next(), now: MemberClock.now())
        return (driver, disk)
    }

    /// A message from another member, as the transport received it. Dropped when too much waits already.
    public func receive(_ message: Message) {
        _ = mailbox.post(.message(message), bytes: message.cost)
    }

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
        try await ask(bytes: 0) { .change(.add(member), $0) }.index
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

    public var status: Status {
        var status = shared.withLock { $0.status }
        if isStuck { status.stepDown() }
        return status
    }

    /// Whether the member's thread has been in one turn for longer than others wait for a leader: its disk hangs. They have
    /// elected another by now, which this member learns when the disk lets go of it.
    private var isStuck: Bool {
        let began = turnBegan.load(ordering: .relaxed)
        return began != 0 && MemberClock.now().elapsed(since: MonotonicInstant(nanoseconds: began + patience)) > .zero
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
        _ = try? await ask(bytes: 0) { .stop($0) }
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

    private func ask(bytes: Int, _ item: (Mailbox.Promise) -> Mailbox.Item) async throws -> Answer {
        try await withCheckedThrowingContinuation { promise in
            let item = item(promise)
            if isStuck, !item.isStop {
                let error = RaftError(.notLeader(leader: nil), "the disk of this member hangs; nothing was taken")
                return promise.resume(throwing: error)
            }
            switch mailbox.post(item, bytes: bytes) {
            case nil: break
            case .full?: promise.resume(throwing: RaftError(.overloaded, "too much waits for the member's thread"))
            case .closed?: promise.resume(throwing: RaftError(.stopped, "the member has stopped"))
            }
        }
    }

    /// The member's thread.
    private func run(_ driver: RaftDriver, _ disk: DirectoryDisk) {
        var promises: [UInt64: Mailbox.Promise] = [:]
        var nextToken: UInt64 = 0
        var stopPromise: Mailbox.Promise?
        var failure: RaftError?
        func keep(_ promise: Mailbox.Promise) -> UInt64 {
            nextToken += 1
            promises[nextToken] = promise
            return nextToken
        }
        do {
            while stopPromise == nil {
                let items = mailbox.take(until: driver.nextDeadline)
                let now = MemberClock.now()
                turnBegan.store(now.nanoseconds, ordering: .relaxed)
                defer { turnBegan.store(0, ordering: .relaxed) }
                driver.advance(to: now)
                for item in items {
                    switch item {
                    case .message(let message): driver.receive(message)
                    case .proposal(let bytes, let promise): driver.propose(bytes, token: keep(promise))
                    case .change(.add(let member), let promise): driver.addVoter(member, token: keep(promise))
                    case .change(let change, let promise): driver.propose(change, token: keep(promise))
                    case .read(let consistency, let promise): driver.read(token: keep(promise), consistency)
                    case .transfer(let target, let promise):
                        driver.transferLeadership(to: target, token: keep(promise))
                    case .damage: driver.reportDamage()
                    case .stop(let promise): stopPromise = promise
                    }
                }
                if stopPromise == nil { try driver.run() }
                publish(driver)
                for outcome in driver.takeOutcomes() {
                    let promise = promises.removeValue(forKey: outcome.token)
                    switch outcome.result {
                    case .success(let answer):
                        promise?.resume(returning: Answer(index: answer.index, bytes: answer.bytes))
                    case .failure(let error): promise?.resume(throwing: error)
                    }
                }
            }
        } catch {
            failure = error as? RaftError ?? RaftError(.storageFailed, "the state machine failed", cause: error)
            log.error("member stopped", ["member": id.description, "reason": "\(error)"])
        }
        let error = failure ?? RaftError(.stopped, "the member has stopped")
        for token in promises.keys.sorted() { promises[token]?.resume(throwing: error.stopping) }
        for item in mailbox.close() { item.refuse(error.stopping) }
        disk.unlock()
        finish(failure)
        stopPromise?.resume(returning: Answer(index: 0, bytes: []))
    }

    private func publish(_ driver: RaftDriver) {
        let core = driver.core
        let changes = driver.takeRoleChanges()
        var states: [Status.StateNews] = []
        let observers: [AsyncStream<RoleChange>.Continuation] = shared.withLock { shared in
            shared.status.role = core.role
            shared.status.term = core.term
            shared.status.leader = core.leader
            shared.status.configuration = core.configuration
            shared.status.isVoter = core.configuration.isVoter(core.id)
            shared.status.lastIndex = core.lastIndex
            shared.status.commitIndex = core.commitIndex
            shared.status.appliedIndex = driver.appliedIndex
            shared.status.snapshotIndex = core.snapshot?.index ?? 0
            shared.status.followers = core.followers
            shared.status.reachable = core.reachable(at: driver.now)
            shared.status.isDiskFull = driver.isDiskFull
            states = shared.status.noteStates(of: core)
            return changes.isEmpty ? [] : Array(shared.observers.values)
        }
        for news in states { tell(news) }
        for change in changes {
            log.debug(
                "role changed",
                [
                    "member": id.description, "role": change.role.rawValue, "term": "\(change.term)",
                    "leader": change.leader?.description ?? "none",
                ])
            for observer in observers { observer.yield(change) }
        }
    }

    private func finish(_ failure: RaftError?) {
        let (observers, waiters) = shared.withLock { shared in
            defer {
                shared.observers = [:]
                shared.stopWaiters = []
            }
            shared.status.isStopped = true
            shared.status.failure = failure
            shared.status.role = .follower
            shared.status.leader = nil
            return (Array(shared.observers.values), shared.stopWaiters)
        }
        for observer in observers { observer.finish() }
        for waiter in waiters { waiter.resume(returning: failure) }
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

extension Mailbox.Item {
    fileprivate var isStop: Bool {
        if case .stop = self { return true }
        return false
    }

    fileprivate func refuse(_ error: RaftError) {
        switch self {
        case .message, .damage: break
        case .stop(let promise): promise.resume(returning: RaftNode.Answer(index: 0, bytes: []))
        case .proposal(_, let promise), .change(_, let promise), .read(_, let promise), .transfer(_, let promise):
            promise.resume(throwing: error)
        }
    }
}

extension RaftError {
    /// What a caller is told whose request the member's end cut short.
    fileprivate var stopping: RaftError {
        code == .stopped ? self : RaftError(.stopped, "the member failed", cause: self)
    }
}

extension Message {
    /// About how many bytes the message holds.
    var cost: Int {
        switch body {
        case .append(let request): 64 + request.entries.reduce(0) { $0 + $1.cost }
        case .snapshot(let chunk): 128 + chunk.bytes.count
        default: 64
        }
    }
}
