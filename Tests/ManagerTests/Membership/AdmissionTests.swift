import HTTP
import Model
import Platform
import Store
import Testing

@testable import Manager

@Suite struct AdmissionTests {
    private static let authority = CertificateAuthority.make(clusterID: "c1")

    private func admission(_ store: Store) -> Admission {
        Admission(store: store, proposer: LocalProposer(store), clock: TestClock().clock)
    }

    private func joiner(_ id: String, _ role: NodeRole = .worker) -> Joiner {
        Joiner(
            nodeID: id, role: role, description: TestCluster.description(id), availability: .active,
            address: "192.0.2.7:2377", dataPathAddress: "192.0.2.7")
    }

    private func found(_ store: Store, _ request: SwarmInitRequest = SwarmInitRequest()) async throws {
        try await admission(store).found(
            request, clusterID: "c1", authority: Self.authority, dataPathPort: 4789, first: joiner("m1", .manager))
    }

    @Test func aNewClusterHasWhatItNeeds() async throws {
        let store = Store()
        try await found(store)
        let cluster = try #require(store.snapshot.get(Cluster.self, "c1"))
        #expect(cluster.spec.name == "default")
        #expect(cluster.defaultAddressPool == ["10.0.0.0/8"])
        #expect(cluster.subnetSize == 24)
        let tokens = try #require(store.snapshot.get(ClusterSecrets.self, "c1")?.joinTokens)
        #expect(tokens.worker != tokens.manager)
        let digest = Digest.base36(Self.authority.root.digest)
        #expect(digest.utf8.count == 50)
        #expect(JoinToken(tokens.worker)?.clusterDigest == digest && JoinToken(tokens.manager)?.clusterDigest == digest)
        #expect(cluster.spec.caConfig == .init(nodeCertificateExpiry: 90 * 86_400_000_000_000))
        #expect(store.snapshot.named(Network.self, "ingress").first?.ingress == true)
        let node = try #require(store.snapshot.get(Node.self, "m1"))
        #expect(node.spec.role == .manager)
        #expect(node.status.address == "192.0.2.7")
    }

    @Test func whatTheFirstSpecificationLeavesOutIsFilledIn() async throws {
        let store = Store()
        // As `docker swarm init` sends it: the objects are there, and empty.
        var request = SwarmInitRequest()
        request.spec = ClusterSpec(
            orchestration: .init(taskHistoryRetentionLimit: nil), dispatcher: .init(heartbeatPeriod: nil))
        try await found(store, request)
        let spec = try #require(store.snapshot.get(Cluster.self, "c1")).spec
        #expect(spec.orchestration?.taskHistoryRetentionLimit == 5)
        #expect(spec.dispatcher?.heartbeatPeriod == 2_000_000_000)
    }

    @Test(arguments: [["10.0.0.1/8"], ["10.0.0.0/25"], ["nonsense"], ["10.20.0.0/16", ""], ["10.0.0.0/99"]])
    func poolsThatAreNoneAreRefused(pools: [String]) async throws {
        let store = Store()
        await #expect(throws: HTTPError.self) { try await found(store, SwarmInitRequest(defaultAddressPool: pools)) }
        #expect(store.revision == 0)
    }

    @Test(arguments: [1, 15, 30, 33, .max] as [UInt32]) func subnetSizesThatAreNoneAreRefused(size: UInt32) async throws
    {
        let store = Store()
        await #expect(throws: HTTPError.self) { try await found(store, SwarmInitRequest(subnetSize: size)) }
    }

    @Test func aNodeIsTakenInOnce() async throws {
        let store = Store()
        try await found(store)
        try await admission(store).admit(joiner("w1"))
        #expect(store.snapshot.get(Node.self, "w1")?.status.state == .unknown)
        let error = await #expect(throws: HTTPError.self) { try await admission(store).admit(joiner("w1")) }
        #expect(error?.status == .conflict)
    }

    @Test(arguments: ["", "A", "../x", "a b", String(repeating: "a", count: 65), "é"])
    func anIDThatIsNoneIsRefused(id: String) async throws {
        let store = Store()
        try await found(store)
        let error = await #expect(throws: HTTPError.self) { try await admission(store).admit(joiner(id)) }
        #expect(error?.status == .badRequest)
    }
}
