import Agent
import FoundationEssentials
import HTTP
import Manager
import Model
import Platform
import Raft
import Store
import TestSupport

@testable import Daemon

/// A cluster's first manager on loopback, with everything but a daemon around it.
struct TestManager: Sendable {
    let store: Store
    let raft: RaftNode
    let identity: NodeIdentity
    let credentials: CurrentCredentials
    let loops: Loops

    /// What a manager needs of its machine: it opens the folders of an agent, which asks for a runtime.
    static let canRun = Probe.isRoot && Probe.hasProgram("runc") && Probe.hasProgram("conmon")

    static func run(_ body: (TestManager) async throws -> Void) async throws {
        let folder = try TemporaryDirectory("manager")
        let loops = try Loops()
        var configuration = DaemonConfiguration()
        configuration.dataDirectory = folder.file("data")
        configuration.runDirectory = folder.file("run")
        for path in [configuration.dataDirectory, configuration.runDirectory] { try Files.createDirectories(path) }
        let address = try freeAddress()
        configuration.listenAddress = address
        configuration.advertiseAddress = address
        let authority = CertificateAuthority.make(clusterID: "c1")
        let identity = try NodeIdentity(
            founding: NodeAddresses(
                configuration: configuration, advertise: nil, dataPath: nil, dataPathPort: nil, towards: nil),
            clusterID: "c1", by: authority)
        let environment = MembershipEnvironment(
            configuration: configuration,
            agent: try await NodeAgent.open(
                .init(
                    engineID: Identifier.random(), dataDirectory: configuration.dataDirectory,
                    runDirectory: configuration.runDirectory), loop: loops.agent), loops: loops,
            identityFile: IdentityFile(dataDirectory: configuration.dataDirectory),
            api: HTTPServer(loop: loops.api) { _ in HTTPResponse(.ok) }, discovery: DiscoveryNode(), onFailure: { _ in }
        )
        let credentials = try identity.openCredentials()
        let role = try await ManagerRole.open(identity, credentials, environment, isFounder: true)
        let result: Result<Void, any Error>
        do {
            try await role.initialize(SwarmInitRequest(), by: authority)
            result = .success(
                try await body(
                    TestManager(
                        store: await role.store, raft: await role.raft, identity: identity, credentials: credentials,
                        loops: loops)))
        } catch { result = .failure(error) }
        await role.stop()
        for loop in [loops.api, loops.cluster, loops.agent] + loops.discoveryWorkers.loops { loop.stop() }
        try result.get()
    }

    private static func freeAddress() throws -> SocketAddress {
        let loop = try EventLoop(name: "port")
        defer { loop.stop() }
        let listener = try SocketListener(on: .ipv4(.loopback, 0), loop: loop) { _ in }
        defer { listener.close() }
        return listener.address
    }

    var address: String { identity.advertiseAddress }

    var secrets: ClusterSecrets? { store.snapshot.all(ClusterSecrets.self).first }

    func node(_ id: String) -> Node? { store.snapshot.get(Node.self, id) }

    func write(_ body: (inout Transaction) throws -> Void) async throws {
        try await store.update(through: RaftProposer(node: raft), at: WallClock.now(), body)
    }

    func change(_ id: String, _ body: (inout Node) -> Void) async throws {
        try await write { transaction in
            guard var node = transaction.get(Node.self, id) else { return }
            body(&node)
            try transaction.put(node)
        }
    }

    // MARK: Other nodes

    struct Joined {
        let channel: Channel
        let credentials: NodeCredentials
        var id: String { credentials.node.nodeID }
    }

    /// A node that was admitted, and is to say whether it is ready.
    func admit(
        _ nodeRole: NodeRole, at address: String = "127.0.0.1:1", key: PrivateKey = .generate()
    ) async throws -> Joined {
        let tokens = secrets?.joinTokens
        let token = (nodeRole == .manager ? tokens?.manager : tokens?.worker) ?? ""
        let digest = JoinToken(token)?.clusterDigest
        let channel = try await Channel.connect(
            to: ClusterLinks.parse(self.address), purpose: .join,
            authentication: StrangerAuthentication { Digest.base36($0) == digest }, loop: loops.cluster,
            timeout: .seconds(5))
        try await channel.send(
            json: JoinerMessage.request(
                JoinRequest(
                    token: token, certificateRequest: Data(CertificateRequest(signedBy: key).der),
                    description: NodeDescription(
                        hostname: "new", platform: .init(architecture: "x86_64", os: "linux"), resources: Resources(),
                        engine: EngineDescription(engineVersion: "1")), advertiseAddress: address,
                    dataPathAddress: "127.0.0.1", availability: .active)))
        guard case .admitted(let answer)? = try await channel.receive(json: JoinHostMessage.self) else {
            throw ChannelError.truncated
        }
        let roots = try Certificate.all(pem: [UInt8]((answer.roots ?? "").utf8))
        return Joined(
            channel: channel,
            credentials: try NodeCredentials(
                key: key, certificate: Certificate(pem: [UInt8](answer.certificate.utf8)), roots: roots))
    }

    /// The next credentials of a node, as it would ask for them.
    func renew(_ current: CurrentCredentials) async throws -> NodeCredentials {
        let endpoint = ManagerEndpoint(nodeID: identity.nodeID, address: address)
        return try await CertificateRenewal(
            current, links: ClusterLinks(current, loop: loops.cluster), managers: { [endpoint] },
            keep: { current.replace(by: $0) }
        ).renew()
    }
}
