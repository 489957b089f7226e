import Agent
import HTTP
import Manager
import Model
import Platform
import Store

/// This node: its containers, which it always has, and its membership of a cluster, which it may have.
///
/// Becoming a member, and ceasing to be one, happen one at a time; while one is under way others are refused.
actor LocalNode {
    nonisolated let configuration: DaemonConfiguration
    nonisolated let agent: NodeAgent
    nonisolated let discovery = DiscoveryNode()
    private let loops: Loops
    private let identityFile: IdentityFile
    private let log = Logger("node")
    private nonisolated let failures = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingOldest(1))
    private var membership: Membership?
    /// Who the node is, while its keys are sealed and nobody has unlocked them.
    private var locked: LockedIdentity?
    private var transition: String?
    /// Before that nobody knows what the node is.
    private var hasStarted = false
    /// The whole API, for calls that other managers forward here.
    private var api: HTTPServer?

    static func open(_ configuration: DaemonConfiguration, loops: Loops) async throws -> LocalNode {
        var settings = NodeAgent.Configuration(
            engineID: try EngineID.of(configuration.dataDirectory), dataDirectory: configuration.dataDirectory,
            runDirectory: configuration.runDirectory)
        settings.runtime = configuration.runtime
        let agent = try await NodeAgent.open(settings, loop: loops.agent)
        return LocalNode(configuration: configuration, agent: agent, loops: loops)
    }

    private init(configuration: DaemonConfiguration, agent: NodeAgent, loops: Loops) {
        self.configuration = configuration
        self.agent = agent
        self.loops = loops
        identityFile = IdentityFile(dataDirectory: configuration.dataDirectory)
    }

    // MARK: Life

    /// Takes up the part in the cluster that the node had, if it had one. `api` serves what managers forward.
    func start(api: HTTPServer) async throws {
        self.api = api
        defer {
            hasStarted = true
            discovery.hasStarted()
        }
        let known: NodeIdentity?
        do { known = try identityFile.load() } catch let error as IdentityFile.Locked {
            locked = error.identity
            discovery.setLocked(true)
            return log.warning(
                "this manager is locked: it takes no part until it is unlocked; containers go on",
                ["node": error.identity.identity.nodeID, "next": "clusterctl unlock"])
        }
        guard let identity = known else {
            if configuration.forcesNewCluster {
                throw ConfigurationError(
                    "--force-new-cluster is for a manager whose cluster lost its quorum, and this node is in no cluster: "
                        + "start it without, then 'clusterctl manager restore FILE' brings a backup back")
            }
            log.info("in no cluster yet", ["next": "clusterctl init, or clusterctl join"])
            return
        }
        try await changing("start") {
            membership = try await Membership.resume(identity, in: environment(api))
        }
        log.info(
            "member of a cluster",
            ["cluster": identity.clusterID, "node": identity.nodeID, "role": identity.role.rawValue])
    }

    /// Waits until the node cannot go on as what it is, and says why; nil when the waiting was cancelled.
    nonisolated func failure() async -> String? {
        for await reason in failures.stream { return reason }
        return nil
    }

    /// Stops taking part; containers and the resolver go on.
    func stop() async {
        await membership?.stop()
        membership = nil
    }

    // MARK: Becoming and ceasing to be a member

    /// Makes a cluster of this node; answers its id (Engine API `POST /swarm/init`).
    func initialize(_ request: SwarmInitRequest) async throws -> String {
        try await changing("init") {
            try refuseLocked()
            guard membership == nil else { throw Self.alreadyMember }
            try Self.refuseUnsupported(request)
            let founded = try await Membership.found(request, in: try environment())
            membership = founded
            return await founded.identity.nodeID
        }
    }

    /// Makes this node a member of the cluster of `request.remoteAddresses` (Engine API `POST /swarm/join`).
    func join(_ request: SwarmJoinRequest) async throws {
        try await changing("join") {
            try refuseLocked()
            guard membership == nil else { throw Self.alreadyMember }
            membership = try await Membership.join(request, in: try environment())
        }
    }

    /// Makes a cluster of this node with the state of a backup, which comes in as `body`.
    nonisolated(nonsending) func restore(
        _ body: HTTPBody, advertise: String?, dataPath: String?
    ) async throws -> RestoreAnswer {
        let backup: Backup
        do {
            backup = try await ThreadFeed.run(named: "restore", over: body) { next in
                try BackupReader.read(ManagerRole.schema, from: next)
            }
        } catch let error as StoreError {
            throw HTTPError(.badRequest, "\(error); nothing was changed")
        }
        return try await restore(backup, advertise: advertise, dataPath: dataPath)
    }

    private func restore(_ backup: Backup, advertise: String?, dataPath: String?) async throws -> RestoreAnswer {
        try await changing("restore") {
            try refuseLocked()
            guard membership == nil else {
                throw HTTPError(
                    .serviceUnavailable,
                    "This node is already part of a swarm: a backup is restored on a node that is in none. To give this one "
                        + "up first: clusterctl leave --force")
            }
            let restored = try await Membership.restore(
                backup, advertise: advertise, dataPath: dataPath, in: try environment())
            membership = restored
            let identity = await restored.identity
            return RestoreAnswer(
                clusterID: identity.clusterID, nodeID: identity.nodeID, address: identity.advertiseAddress,
                revision: backup.header.revision, rows: backup.rows, takenAt: backup.header.createdAt,
                workers: backup.snapshot.all(Node.self).filter { $0.spec.role == .worker }.count)
        }
    }

    /// The manager that this node is.
    ///
    /// - Throws: `HTTPError` 503 where it is none.
    func managerRole() async throws -> ManagerRole {
        try refuseLocked()
        guard let manager = await membership?.manager else {
            throw HTTPError(
                .serviceUnavailable,
                "This node is not a swarm manager: a backup is made on a manager, of its own state.")
        }
        return manager
    }

    /// Leaves the cluster: tasks end, state and identity are removed (Engine API `POST /swarm/leave`).
    func leave(force: Bool) async throws {
        try await changing("leave") {
            if let locked { return try await leave(locked, force: force) }
            guard let membership else { throw HTTPError(.serviceUnavailable, "This node is not part of a swarm") }
            try await membership.leave(force: force)
            self.membership = nil
        }
    }

    // MARK: Locked

    private enum Limits {
        /// From a wrong key to the answer; there is one attempt at a time.
        static let wrongKeyPause: Duration = .seconds(1)
    }

    /// Opens the node's keys and takes up its part in the cluster (Engine API `POST /swarm/unlock`).
    func unlock(_ text: String) async throws {
        try await changing("unlock") {
            guard let locked else {
                throw membership == nil
                    ? HTTPError(.serviceUnavailable, "This node is not part of a swarm")
                    : HTTPError(.conflict, "swarm is not locked")
            }
            guard let key = UnlockKey(text), let identity = try identityFile.unlock(locked, with: key) else {
                log.warning("an unlock key was wrong")
                try? await Task.sleep(for: Limits.wrongKeyPause)
                throw HTTPError(
                    .badRequest,
                    UnlockKey(text) == nil
                        ? "swarm could not be unlocked: that is no unlock key (SWMKEY-1-...)"
                        : "swarm could not be unlocked: invalid key provided")
            }
            membership = try await Membership.resume(identity, in: try environment())
            self.locked = nil
            discovery.setLocked(false)
            log.info("unlocked", ["cluster": identity.clusterID, "node": identity.nodeID])
        }
    }

    /// Gives up what nobody can open.
    private func leave(_ locked: LockedIdentity, force: Bool) async throws {
        guard force else {
            throw HTTPError(
                .serviceUnavailable,
                "Swarm is encrypted and locked. Please unlock it first or use `--force` to ignore this message.")
        }
        let environment = try environment()
        await agent.endTasks(within: AgentRole.Limits.leave)
        try identityFile.remove()
        try ManagerRole.removeState(of: locked.identity, environment)
        self.locked = nil
        discovery.setLocked(false)
    }

    private func refuseLocked() throws {
        guard locked != nil else { return }
        throw HTTPError(
            .serviceUnavailable,
            "Swarm is encrypted and needs to be unlocked before it can be used. Please use \"docker swarm unlock\" to "
                + "unlock it.")
    }

    private func changing<T>(_ what: String, _ body: () async throws -> T) async throws -> T {
        if let transition {
            throw HTTPError(
                .serviceUnavailable, "'\(transition)' is still under way on this node; try again when it is done")
        }
        transition = what
        defer { transition = nil }
        return try await body()
    }

    private func environment(_ server: HTTPServer? = nil) throws -> MembershipEnvironment {
        guard let api = server ?? api else {
            throw HTTPError(.serviceUnavailable, "the node is still starting; try again in a moment")
        }
        return MembershipEnvironment(
            configuration: configuration, agent: agent, loops: loops, identityFile: identityFile, api: api,
            discovery: discovery, onFailure: { [failures] in failures.continuation.yield($0) })
    }

    private static let alreadyMember = HTTPError(
        .serviceUnavailable,
        "This node is already part of a swarm. Use \"docker swarm leave\" to leave this swarm and join another one.")

    private static func refuseUnsupported(_ request: SwarmInitRequest) throws {
        if request.forceNewCluster == true {
            throw HTTPError(
                .notImplemented,
                "a new cluster is not forced while the daemon runs: start clusterd with --force-new-cluster on the manager "
                    + "that is left")
        }
    }

    // MARK: What the API asks

    /// Who answers for the cluster's state.
    ///
    /// - Throws: `HTTPError` 503 on a node that is no manager, as Docker words it.
    func clusterAuthority() async throws -> ClusterAuthority {
        try refuseLocked()
        guard let membership else {
            throw HTTPError(
                .serviceUnavailable,
                transition == nil && hasStarted
                    ? "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect "
                        + "this node to swarm and try again."
                    : "This node is becoming a member of its swarm; try again in a moment.")
        }
        guard let manager = await membership.manager else {
            throw HTTPError(
                .serviceUnavailable,
                "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state. Please "
                    + "run this command on a manager node or promote the current node to a manager.")
        }
        return await manager.authority()
    }

    /// The `Swarm` header of `/_ping`.
    func swarmHeader() async -> String {
        if locked != nil { return "locked" }
        guard let membership else { return "inactive" }
        return await membership.manager != nil ? "active/manager" : "active/worker"
    }

    /// The `Swarm` object of `/info`.
    func swarmInfo() async -> SystemInfo.Swarm {
        if let membership { return await membership.info() }
        var info = SystemInfo.Swarm()
        if let locked {
            info.localNodeState = .locked
            info.nodeID = locked.identity.nodeID
            info.error = "Swarm is encrypted and needs to be unlocked before it can be used."
            return info
        }
        info.localNodeState = transition == nil && hasStarted ? .inactive : .pending
        return info
    }
}
