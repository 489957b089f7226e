import HTTP
import Model
import Platform
import Store
import Testing

@testable import Manager

@Suite struct CertificatePolicyTests {
    private static let authority = CertificateAuthority.make(clusterID: "c1")
    private static let request = CertificateRequest(signedBy: PrivateKey.generate()).der
    private static let node = PeerIdentity(nodeID: "n1", role: .worker, clusterID: "c1")
    private static let now = WallClock.now()

    private static func found(_ store: Store, expiry: Int64? = nil) async throws -> JoinTokens {
        var request = SwarmInitRequest()
        request.spec = ClusterSpec(
            caConfig: .init(
                nodeCertificateExpiry: expiry, signingCertificate: "not to be stored", signingKey: "nor this"))
        try await Admission(store: store, proposer: LocalProposer(store), clock: TestClock().clock).found(
            request, clusterID: "c1", authority: authority, dataPathPort: 4789,
            first: Joiner(
                nodeID: "m1", role: .manager, description: TestCluster.description("m1"), availability: .active,
                address: "192.0.2.7:2377", dataPathAddress: "192.0.2.7"))
        return try #require(store.snapshot.get(ClusterSecrets.self, "c1")).joinTokens
    }

    @Test func aTokenGivesItsRoleAndNothingElseDoes() async throws {
        let store = Store()
        #expect(throws: HTTPError.self) { try CertificatePolicy.role(of: "", in: store.snapshot) }
        let tokens = try await Self.found(store)
        #expect(try CertificatePolicy.role(of: tokens.worker, in: store.snapshot) == .worker)
        #expect(try CertificatePolicy.role(of: tokens.manager, in: store.snapshot) == .manager)
        let secret = tokens.worker.split(separator: "-")[3]
        for wrong in [
            "", String(secret), tokens.worker + "a", String(tokens.worker.dropLast()), "SWMTKN-1-d-\(secret)",
        ] {
            let error = #expect(throws: HTTPError.self) { try CertificatePolicy.role(of: wrong, in: store.snapshot) }
            #expect(error?.status == .forbidden && error?.message.contains(secret) == false)
        }
    }

    @Test func certificatesAreOfTheStatesRootAndLastAsLongAsItSays() async throws {
        let store = Store()
        #expect(throws: HTTPError.self) { try CertificatePolicy.authority(in: store.snapshot, now: Self.now) }
        _ = try await Self.found(store, expiry: 3_600_000_000_000)
        let snapshot = store.snapshot
        #expect(snapshot.get(Cluster.self, "c1")?.spec.caConfig == .init(nodeCertificateExpiry: 3_600_000_000_000))
        let authority = try CertificatePolicy.authority(in: snapshot, now: Self.now)
        let certificate = try CertificatePolicy.issue(
            Self.request, to: Self.node, by: authority, in: snapshot, now: Self.now)
        try certificate.verify(against: Self.authority.root, for: .client, at: Self.now)
        #expect(certificate.node == Self.node && certificate.notAfter.seconds == Self.now.seconds + 3600)
        let error = #expect(throws: HTTPError.self) {
            try CertificatePolicy.issue([1, 2, 3], to: Self.node, by: authority, in: snapshot, now: Self.now)
        }
        #expect(error?.status == .badRequest)
    }

    @Test(arguments: [-1, 1, 59_000_000_000, 366 * 86_400_000_000_000] as [Int64])
    func validitiesThatNoneMayBeAreRefused(expiry: Int64) async throws {
        let store = Store()
        await #expect(throws: HTTPError.self) { _ = try await Self.found(store, expiry: expiry) }
    }

    @Test(arguments: [(13, true), (15, false), (7300, false)])
    func aRootThatEndsSoonIsToBeChanged(days: Int, isTold: Bool) async throws {
        let store = Store()
        #expect(CertificatePolicy.rootAdvice(in: store.snapshot, now: Self.now) == nil)
        let authority = CertificateAuthority.make(clusterID: "c1", validity: .seconds(days * 86_400))
        try await Admission(store: store, proposer: LocalProposer(store), clock: TestClock().clock).found(
            SwarmInitRequest(), clusterID: "c1", authority: authority, dataPathPort: 4789,
            first: Joiner(
                nodeID: "m1", role: .manager, description: TestCluster.description("m1"), availability: .active,
                address: "192.0.2.7:2377", dataPathAddress: "192.0.2.7"))
        let advice = CertificatePolicy.rootAdvice(in: store.snapshot, now: Self.now)
        #expect(advice?.contains("clusterctl manager ca rotate") == (isTold ? true : nil))
    }

    @Test func aRemovedNodeIsRememberedAndForgottenInTime() async throws {
        let store = Store()
        _ = try await Self.found(store)
        let remove = { (id: String, time: Timestamp) in
            try await store.update(through: LocalProposer(store), at: time) { transaction in
                try CertificatePolicy.remove(id, in: &transaction)
            }
        }
        _ = try await remove("m1", Self.now)
        #expect(store.snapshot.get(Node.self, "m1") == nil)
        let removed = try #require(store.snapshot.get(RemovedNode.self, "m1"))
        let longest = CertificateAuthority.nodeValidityLimits.upperBound
        #expect(removed.forgottenAfter >= Self.now + longest)
        _ = try await remove("n2", Self.now + longest)
        #expect(store.snapshot.get(RemovedNode.self, "m1") != nil)
        _ = try await remove("n3", Self.now + longest * 3)
        #expect(store.snapshot.all(RemovedNode.self).map(\.id) == ["n3"])
    }
}
