import Model
import Platform
import Raft
import Store
import TestSupport
import Testing

@testable import Daemon

@Suite struct KeyRingTests {
    /// Applies proposals at once, as a cluster of one member would.
    private actor OneMember: Proposer {
        private let store: Store
        private var index: UInt64 = 0

        init(_ store: Store) { self.store = store }

        func propose(_ command: [UInt8]) throws -> [UInt8] {
            index += 1
            return try store.apply(index: index, term: 1, command: command)
        }
    }

    private static let now = Timestamp(seconds: 1_800_000_000)
    private static let worker = JoinToken(clusterDigest: "d", secret: "worker1")
    private static let manager = JoinToken(clusterDigest: "d", secret: "manager1")

    private static func peer(
        _ nodeID: String, _ role: PeerIdentity.Role = .worker, cluster: String = "c1"
    ) -> PeerIdentity { PeerIdentity(nodeID: nodeID, role: role, clusterID: cluster) }

    private static func keep(_ tokens: JoinTokens, in store: Store, through proposer: OneMember) async throws {
        try await store.update(through: proposer, at: now) { transaction in
            try transaction.put(ClusterSecrets(id: "c1", createdAt: now, joinTokens: tokens, clusterKey: "key"))
        }
    }

    @Test func tokensAreToldApartByRoleAndEndWhenRotated() async throws {
        let folder = try TemporaryDirectory()
        let store = try Store(path: folder.file("state.db"))
        let proposer = OneMember(store)
        let keys = KeyRing(clusterID: "c1", clusterKey: "key", store: store)
        let joiner = Self.peer("n1", cluster: "")
        #expect(keys.key(of: joiner, for: .join) == nil)
        try await Self.keep(
            JoinTokens(worker: Self.worker.description, manager: Self.manager.description), in: store,
            through: proposer)
        #expect(keys.key(of: joiner, for: .join) == Array("worker1".utf8))
        #expect(keys.key(of: Self.peer("n1", .manager, cluster: ""), for: .join) == Array("manager1".utf8))
        let rotated = JoinToken(clusterDigest: "d", secret: "worker2")
        try await Self.keep(
            JoinTokens(worker: rotated.description, manager: Self.manager.description), in: store, through: proposer)
        #expect(keys.key(of: joiner, for: .join) == Array("worker2".utf8))
        try store.close()
    }

    @Test func nodesHaveKeysOfTheirOwnAndOfTheirRole() throws {
        let folder = try TemporaryDirectory()
        let store = try Store(path: folder.file("state.db"))
        let keys = KeyRing(clusterID: "c1", clusterKey: "key", store: store)
        let own = keys.key(of: Self.peer("n1"), for: .dispatch)
        #expect(own == Array(NodeKey.derive(clusterKey: "key", nodeID: "n1", role: .worker).utf8))
        #expect(own != keys.key(of: Self.peer("n2"), for: .dispatch))
        #expect(own != keys.key(of: Self.peer("n1", .manager), for: .dispatch))
        #expect(own != KeyRing(clusterID: "c1", clusterKey: "other", store: store).key(of: Self.peer("n1"), for: .raft))
        for purpose in [ChannelPurpose.raft, .dispatch, .api] {
            #expect(keys.key(of: Self.peer("n1", .manager, cluster: "c2"), for: purpose) == nil)
            #expect(keys.key(of: Self.peer("n1", .manager, cluster: ""), for: purpose) == nil)
            #expect(keys.key(of: Self.peer("", .manager), for: purpose) == nil)
        }
        try store.close()
    }

    /// The derivation is part of what nodes of different versions agree on.
    @Test func derivationIsFixed() {
        #expect(
            NodeKey.derive(clusterKey: "key", nodeID: "n1", role: .worker)
                == Digest.hex(Digest.hmacSHA256(key: Array("key".utf8), message: Array("node worker n1".utf8))))
        #expect(NodeID(of: "n1") == NodeID(of: "n1"))
        #expect(NodeID(of: "n1") != NodeID(of: "n2"))
    }
}
