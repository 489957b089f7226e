import HTTP
import Model
import Platform
import Store
import Testing

@testable import Manager

@Suite struct RootRotationTests {
    private static let old = CertificateAuthority.make(clusterID: "c1")
    private static let new = CertificateAuthority.make(clusterID: "c1")

    private static func digest(_ authority: CertificateAuthority) -> String { Digest.base36(authority.root.digest) }

    private static func record(_ issuer: CertificateAuthority, _ trusted: [CertificateAuthority]) -> NodeCertificate {
        NodeCertificate(issuer: digest(issuer), trusted: trusted.map(digest))
    }

    private struct Group {
        let store = Store()
        let now = WallClock.now()

        init() async throws {
            let admission = Admission(store: store, proposer: LocalProposer(store), clock: TestClock().clock)
            let joiner = { (id: String, role: NodeRole) in
                Joiner(
                    nodeID: id, role: role, description: TestCluster.description(id), availability: .active,
                    address: "192.0.2.7:2377", dataPathAddress: "192.0.2.7", certificate: record(old, [old]))
            }
            try await admission.found(
                SwarmInitRequest(), clusterID: "c1", authority: old, dataPathPort: 4789, first: joiner("m1", .manager))
            try await admission.admit(joiner("w1", .worker))
        }

        func write<Value>(_ body: (inout Transaction) throws -> Value) async throws -> Value {
            try await store.update(through: LocalProposer(store), at: now, body).value
        }

        func begin(_ next: CertificateAuthority = new) async throws {
            try await write { try RootRotation.begin(next, in: &$0) }
        }

        func advance() async throws -> Bool { try await write { try RootRotation.advance(&$0) } }

        func note(_ certificate: NodeCertificate, of nodes: String...) async throws {
            try await write { transaction in
                for node in nodes { try CertificatePolicy.note(certificate, of: node, in: &transaction) }
            }
        }

        var secrets: ClusterSecrets {
            get throws { try #require(store.snapshot.get(ClusterSecrets.self, "c1")) }
        }

        var waiting: [String] {
            get throws {
                RootRotation.waiting(store.snapshot, for: try RootRotation.Wanted(secrets).record()).map(\.id)
            }
        }

        var issuer: Certificate {
            get throws { try CertificatePolicy.authority(in: store.snapshot, now: now).root }
        }
    }

    @Test func eachStepIsTakenByAllBeforeTheNext() async throws {
        let group = try await Group()
        let tokens = try group.secrets.joinTokens
        #expect(try group.waiting.isEmpty && group.issuer == Self.old.root)
        #expect(try await group.advance() == false)

        try await group.begin()
        #expect(group.store.snapshot.get(Cluster.self, "c1")?.rootRotationInProgress == true)
        #expect(try group.waiting == ["m1", "w1"] && group.issuer == Self.old.root)
        #expect(CertificatePolicy.isSpreadingTrust(group.store.snapshot))
        let roots = try Certificate.all(pem: [UInt8](CertificatePolicy.roots(in: group.store.snapshot).utf8))
        #expect(roots == [Self.old.root, Self.new.root])
        try await group.note(Self.record(Self.old, [Self.old, Self.new]), of: "m1")
        #expect(try group.waiting == ["w1"])
        #expect(try await group.advance() == false)

        // Whatever the order in which it says them.
        try await group.note(Self.record(Self.old, [Self.new, Self.old]), of: "w1")
        #expect(try await group.advance())
        #expect(try group.waiting == ["m1", "w1"] && group.issuer == Self.new.root)
        #expect(try await group.advance() == false)
        // Who joins from now on trusts the next root first.
        let next = try group.secrets.joinTokens
        #expect(JoinToken(next.worker)?.clusterDigest == Self.digest(Self.new))
        #expect(throws: HTTPError.self) { try CertificatePolicy.role(of: tokens.worker, in: group.store.snapshot) }
        #expect(try CertificatePolicy.role(of: next.manager, in: group.store.snapshot) == .manager)

        try await group.note(Self.record(Self.new, [Self.old, Self.new]), of: "m1", "w1")
        #expect(try await group.advance())
        let secrets = try group.secrets
        #expect(secrets.rotation == nil && secrets.rootKey == String(decoding: Self.new.key.pem, as: UTF8.self))
        #expect(group.store.snapshot.get(Cluster.self, "c1")?.rootRotationInProgress == false)
        #expect(JoinToken(secrets.joinTokens.worker)?.clusterDigest == Self.digest(Self.new))
        #expect(JoinToken(secrets.joinTokens.manager)?.secret != JoinToken(tokens.manager)?.secret)
        #expect(throws: HTTPError.self) { try CertificatePolicy.role(of: tokens.worker, in: group.store.snapshot) }
        // They trust the former one until they have said that they do not.
        #expect(try group.waiting == ["m1", "w1"] && group.issuer == Self.new.root)
        try await group.note(Self.record(Self.new, [Self.new]), of: "m1", "w1")
        #expect(try group.waiting.isEmpty)
        #expect(!CertificatePolicy.isSpreadingTrust(group.store.snapshot))
        #expect(try await group.advance() == false)
    }

    /// The root's key is gone: nothing can be issued, until all trust another root.
    @Test(arguments: ["", "damaged", String(decoding: PrivateKey.generate().pem, as: UTF8.self)])
    func aRootThatLostItsKeyIsChangedLikeAnyOther(key: String) async throws {
        let group = try await Group()
        try await group.write { transaction in
            guard var secrets = transaction.get(ClusterSecrets.self, "c1") else { return }
            secrets.rootKey = key
            try transaction.put(secrets)
        }
        let error = #expect(throws: HTTPError.self) { try group.issuer }
        #expect(error?.message.contains("clusterctl manager ca rotate") == true)
        try await group.begin()
        #expect(throws: HTTPError.self) { try group.issuer }
        #expect(CertificatePolicy.isSpreadingTrust(group.store.snapshot))
        try await group.note(Self.record(Self.old, [Self.old, Self.new]), of: "m1", "w1")
        #expect(try await group.advance())
        #expect(try group.issuer == Self.new.root)
        try await group.note(Self.record(Self.new, [Self.old, Self.new]), of: "m1", "w1")
        #expect(try await group.advance())
        #expect(try group.secrets.rootKey == String(decoding: Self.new.key.pem, as: UTF8.self))
    }

    @Test func aNodeThatIsRemovedIsNotWaitedFor() async throws {
        let group = try await Group()
        try await group.begin()
        try await group.note(Self.record(Self.old, [Self.old, Self.new]), of: "m1", "nobody")
        #expect(try await group.advance() == false)
        try await group.write { try CertificatePolicy.remove("w1", in: &$0) }
        #expect(try await group.advance())
    }

    @Test func oneChangeAtATimeAndToAnotherRoot() async throws {
        let group = try await Group()
        await #expect(throws: HTTPError.self) { try await group.begin(Self.old) }
        try await group.begin()
        await #expect(throws: HTTPError.self) { try await group.begin(.make(clusterID: "c1")) }
        #expect(try group.secrets.rotation?.phase == .trusting)
    }
}
