import Agent
import Discovery
import Glibc
import Model
import Overlay
import Platform

/// A member's agent at work: its tasks, the networks and names they need, and the session with the managers.
actor AgentRole {
    private let worker: Worker
    private let agent: NodeAgent
    private let network: NodeNetwork
    private let resolver: ResolverClient
    private let session: DispatcherSession
    private var tasks: [Task<Void, Never>] = []
    private let log = Logger("agent-role")

    enum Limits {
        /// How long leaving waits for tasks to end.
        static let leave: Duration = .seconds(20)
    }

    /// Takes up what an earlier daemon left running, then speaks to the managers.
    ///
    /// - Parameters:
    ///   - managers: those that the node knows as one of them; none on a worker.
    ///   - onManagers: told who the managers are whenever that changes.
    ///   - onRenewal: told that the node is to ask for a certificate now.
    static func open(
        _ identity: NodeIdentity, links: ClusterLinks, _ environment: MembershipEnvironment,
        managers: @escaping @Sendable () -> [ManagerEndpoint],
        onManagers: @escaping @Sendable ([ManagerEndpoint]) async -> Void,
        onRenewal: @escaping @Sendable () -> Void
    ) async throws -> AgentRole {
        guard let dataPath = IPv4Address(identity.dataPathAddress) else {
            throw ConfigurationError("the identity's data path address is not one: \(identity.dataPathAddress)")
        }
        let configuration = environment.configuration
        let network = try NodeNetwork(
            NodeNetworkConfiguration(
                nodeID: identity.nodeID, runDirectory: configuration.runDirectory, dataPathAddress: dataPath,
                dataPathPort: identity.dataPathPort))
        let resolver = ResolverClient(runDirectory: configuration.runDirectory, loop: environment.loops.agent)
        try await resolver.ensureRunning(.init(executable: try ownExecutable()))
        let worker = try await environment.agent.startTasks(
            nodeID: identity.nodeID, networking: NodeSandboxes(network: network, resolver: resolver))
        let description = HostFacts.current.nodeDescription(name: configuration.name)
        let (dataPathAddress, clusterAddress) = (identity.dataPathAddress, identity.advertiseAddress)
        let session = DispatcherSession(
            worker: worker, connector: ManagerConnector(links: links) { managers() + identity.managers.shuffled() },
            onManagers: onManagers, onRenewal: onRenewal
        ) {
            Registration(
                description: description, dataPathAddress: dataPathAddress, clusterAddress: clusterAddress, statuses: []
            )
        }
        let role = AgentRole(
            worker: worker, agent: environment.agent, network: network, resolver: resolver, session: session)
        await role.start()
        return role
    }

    private init(
        worker: Worker, agent: NodeAgent, network: NodeNetwork, resolver: ResolverClient, session: DispatcherSession
    ) {
        self.worker = worker
        self.agent = agent
        self.network = network
        self.resolver = resolver
        self.session = session
    }

    private func start() {
        let (session, resolver) = (session, resolver)
        // Held in `tasks` and ended by `stop`: they live as long as the membership, which no scope encloses.
        tasks = [
            Task { await session.run() },
            Task { await resolver.supervise() },
        ]
    }

    /// The managers as the session last heard of them.
    func managers() async -> [ManagerEndpoint] { await session.managers }

    /// Ends the session; containers, networks and names go on.
    func stop() async {
        for task in tasks { task.cancel() }
        tasks = []
    }

    /// Ends every task and takes away what they had.
    func leave() async {
        await stop()
        await agent.endTasks(within: Limits.leave)
        do {
            try await network.removeAll()
            try await resolver.stop()
        } catch {
            log.warning("not all of the node's networks could be removed", ["error": "\(error)"])
        }
    }

    /// The resolver is this very program, started as `clusterd resolver`.
    private static func ownExecutable() throws -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = try checked(readlink("/proc/self/exe", &buffer, buffer.count), "readlink", "/proc/self/exe")
        return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
