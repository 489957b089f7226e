public import HTTP
public import Model
public import Platform
public import Store
internal import Synchronization

/// A manager's part above consensus: plans and dispatches while it leads, answers the API over the state, lets nodes in.
public final class Manager: Sendable {
    private struct Term {
        let dispatcher: Dispatcher
        let tasks: [Task<Void, Never>]
    }

    private enum Limits {
        /// How long an agent is kept by a manager that knows of no leader: one that lost the others may never know.
        static let leaderWait: Duration = .seconds(1)
        static let leaderPause: Duration = .milliseconds(50)
    }

    private let store: Store
    private let proposer: any Proposer
    private let members: any MemberGroup
    private let clock: ControlClock
    private let identifiers: any IdentifierSource
    private let logs = LogBroker()
    private let term = Mutex<Term?>(nil)
    private let admission: Admission

    public init(
        store: Store, proposer: any Proposer, members: any MemberGroup, clock: ControlClock = .system,
        identifiers: any IdentifierSource = RandomIdentifiers()
    ) {
        self.store = store
        self.proposer = proposer
        self.members = members
        self.clock = clock
        self.identifiers = identifiers
        admission = Admission(store: store, proposer: proposer, clock: clock)
    }

    /// The Engine API's routes over the cluster's state; to be asked of the leader only.
    public func router() -> Router {
        ClusterAPI(store: store, proposer: proposer, operations: self, now: clock.wall).router()
    }

    // MARK: Leading

    /// Begins to plan and to dispatch: this manager leads. Everything starts from a full view of the state.
    public func startLeading() {
        stopLeading()
        let dispatcher = Dispatcher(store: store, proposer: proposer, clock: clock, members: members, logs: logs)
        let controlPlane = ControlPlane(store: store, proposer: proposer, clock: clock, identifiers: identifiers)
        let rotation = RootRotationLoop(store: store, proposer: proposer, clock: clock, dispatcher: dispatcher)
        let roles = RoleLoop(
            store: store, proposer: proposer, clock: clock, dispatcher: dispatcher, members: members)
        let planning = { @Sendable in
            await dispatcher.doubt()
            if !Task.isCancelled { await controlPlane.run() }
        }
        // Ended by `stopLeading`: a term has no scope of its own.
        let tasks = [
            Task { await planning() }, Task { await dispatcher.run() }, Task { await rotation.run() },
            Task { await roles.run() },
        ]
        term.withLock { $0 = Term(dispatcher: dispatcher, tasks: tasks) }
    }

    /// Stops planning and sends the agents away; no task is touched.
    public func stopLeading() {
        let ended = term.withLock { term in
            defer { term = nil }
            return term
        }
        for task in ended?.tasks ?? [] { task.cancel() }
    }

    private var dispatcher: Dispatcher? { term.withLock { $0?.dispatcher } }

    // MARK: Nodes

    /// Serves the agent of a node that has proved who it is; returns when it is gone. A manager that does not lead says who
    /// does.
    public func serve(_ connection: any DispatchConnection, nodeID: String) async {
        do {
            if let dispatcher {
                try await dispatcher.serve(connection, nodeID: nodeID)
            } else if try await connection.receive() != nil {
                await waitForLeader()
                try await connection.send(.redirect(await members.managers()))
            }
        } catch {
            Logger("manager").debug("an agent's connection ended", ["node": nodeID, "error": "\(error)"])
        }
        connection.close()
    }

    /// Between two leaders an agent waits here: sent away, it would come back again and again to hear the same.
    private func waitForLeader() async {
        let deadline = ContinuousClock.now + Limits.leaderWait
        while !members.knowsLeader, ContinuousClock.now < deadline {
            try? await Task.sleep(for: Limits.leaderPause)
            if Task.isCancelled { return }
        }
    }

    /// Makes a new cluster's first objects.
    ///
    /// - Throws: `HTTPError` 400 for what the request asks and cannot be.
    public func found(
        _ request: SwarmInitRequest, clusterID: String, authority: CertificateAuthority, dataPathPort: UInt16,
        first: Joiner
    ) async throws {
        try request.spec?.raft?.check(against: members.consensus)
        try await admission.found(
            request, clusterID: clusterID, authority: authority, dataPathPort: dataPathPort, first: first)
    }

    /// Makes the node the only manager of a state that came from a backup; who managed it before is forgotten.
    public func takeOver(by node: Joiner) async throws { try await admission.takeOver(by: node) }

    /// Forgets nodes: the group was made anew without them, or their join has failed.
    public func forget(nodes: [String]) async throws { try await admission.forget(nodes: nodes) }

    /// Takes in a node whose token was proved.
    ///
    /// - Throws: `HTTPError` 4xx that says why not.
    public func admit(_ joiner: Joiner) async throws { try await admission.admit(joiner) }

    /// Notes which roots a node says that it uses.
    public func note(_ certificate: NodeCertificate, of nodeID: String) async throws {
        try await store.update(through: proposer, at: clock.wall()) { transaction in
            try CertificatePolicy.note(certificate, of: nodeID, in: &transaction)
        }
    }
}

extension Manager: ClusterOperations {
    /// What is known of each manager, by node id: who leads, who is reached.
    public func managerStatuses() async -> [String: ManagerStatus] { await members.managerStatuses() }

    /// Who votes, and who learns to.
    public func members() async -> [GroupMember] { await members.members() }

    /// The lowest level of the managers.
    public func commandLevel() async -> Int { await members.commandLevel() }

    /// How the group of managers is set.
    public var consensus: ConsensusSettings { members.consensus }

    /// Takes a manager's vote away; throws `HTTPError` where that is not decided.
    public func removeMember(place: UInt64) async throws { try await members.removeMember(place: place) }

    /// Has another manager lead.
    public func transferLeadership(to nodeID: String?) async throws {
        try await members.transferLeadership(to: nodeID)
    }

    /// The output of a service's or a task's containers, from the nodes where they are.
    public func logs(
        of subject: LogSubject, _ options: LogOptions, while mayGoOn: @escaping @Sendable (Snapshot) -> Bool
    ) -> AsyncThrowingStream<LogEntry, any Error> {
        let reading = LogReading(
            of: subject, options, store: store, broker: logs, now: clock.wall, mayGoOn: mayGoOn)
        let leading: @Sendable () -> Dispatcher? = { [weak self] in self?.dispatcher }
        // Ended when the stream's reader goes.
        let task = Task { await reading.run(leading) }
        reading.onTermination { task.cancel() }
        return reading.stream
    }
}
