import Foundation
import Model
import Platform
import Raft
import RaftSimulation
import Store
import TestSupport
import Testing

@testable import Daemon
@testable import Discovery

/// A manager's folder as version 1 wrote it (`Tests/DaemonTests/Golden/1`): a later version that cannot read it must not be
/// released. A change of a format gets a folder of its own beside it; this one stays as it is, for ever.
///
/// `MARTLET_WRITE_GOLDEN=FOLDER` makes one of what the present version writes.
@Suite(.timeLimit(.minutes(1))) struct GoldenDirectoryTests {
    private static let here = #filePath.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
    private static let golden = here + "/Golden/1"
    private static let written = ProcessInfo.processInfo.environment["MARTLET_WRITE_GOLDEN"]
    private static let nodeID = "goldenmanageraaaaaaaaaaaaa"
    private static let time = Timestamp(seconds: 1_800_000_000)

    private static let goldenDigest: UInt64 = 14_088_342_331_246_676_055

    private static func options(_ folder: String, founding: Bool = false) -> RaftNode.Options {
        var settings = RaftSettings()
        settings.segmentBytes = 1 << 14
        settings.snapshotAfterEntries = 12
        settings.trailingEntries = 2
        let id = NodeID(of: nodeID)
        return RaftNode.Options(
            id: id, directory: folder + "/raft", settings: settings,
            founders: founding ? Configuration(voters: [Member(id: id, address: "192.0.2.1:2377")]) : nil)
    }

    private static func leads(_ node: RaftNode) async throws {
        try await eventually(within: .seconds(10), "it leads") { node.status.role == .leader }
        _ = try await node.readIndex()
    }

    /// Objects, a transaction of keys, history, a session that holds a lock, a snapshot and entries behind it.
    @Test(.enabled(if: written != nil, "only to make a golden folder"))
    func write() async throws {
        let folder = try #require(Self.written)
        try Files.createDirectories(folder)
        let store = try Store(path: folder + "/state.db", schema: ManagerRole.schema)
        let node = try await RaftNode.start(
            Self.options(folder, founding: true), stateMachine: ReplicatedStore(store), transport: LocalNetwork())
        try await Self.leads(node)
        let proposer = RaftProposer(node: node)
        try await store.update(through: proposer, at: Self.time) { tx in
            try tx.put(
                Cluster(
                    id: "goldenclusteraaaaaaaaaaaaa", createdAt: Self.time, spec: ClusterSpec(name: "default"),
                    dataPathPort: 4789, defaultAddressPool: ["10.0.0.0/8"], subnetSize: 24))
            try tx.put(Network(id: "n1", createdAt: Self.time, name: "backend"))
        }
        let session = "11111111-2222-4333-8444-555555555555"
        var made = KeySession(id: session)
        (made.name, made.node, made.ttlText, made.ttl) = ("golden", "host1", "3600s", .seconds(3_600))
        var commands = (1...20).map { round in
            KeyValueCommand.command(.set, key: Array("app/\(round % 3)".utf8), value: Array("value \(round)".utf8))
        }
        commands.append(SessionCommand.create(made))
        commands.append(
            KeyValueCommand.command(.acquire, key: Array("lock".utf8), value: Array("held".utf8), session: session))
        commands.append(KeyValueCommand.command(.delete, key: Array("app/2".utf8)))
        for command in commands { _ = try await proposer.propose(command.encoded) }
        try await eventually("a snapshot") { node.status.snapshotIndex > 0 }
        await node.stop()
        try store.close()
    }

    @Test(.enabled(if: written == nil, "a golden folder is being made")) func itIsReadAndGoesOn() async throws {
        let copy = try TemporaryDirectory("golden")
        try FileManager.default.copyItem(atPath: Self.golden, toPath: copy.file("m"))
        let folder = copy.file("m")
        try await Self.check(folder)
        // As it was left by that, it is this version's.
        try await Self.check(folder, isChanged: true)
    }

    /// Without the database, snapshot and log must bring back the same.
    @Test(.enabled(if: written == nil, "a golden folder is being made")) func snapshotAndLogAloneAreEnough()
        async throws
    {
        let copy = try TemporaryDirectory("golden")
        try FileManager.default.copyItem(atPath: Self.golden, toPath: copy.file("m"))
        try Files.unlink(copy.file("m") + "/state.db")
        try await Self.check(copy.file("m"))
    }

    private static func check(_ folder: String, isChanged: Bool = false) async throws {
        let store = try Store(path: folder + "/state.db", schema: ManagerRole.schema)
        let node = try await RaftNode.start(
            options(folder), stateMachine: ReplicatedStore(store), transport: LocalNetwork())
        try await leads(node)
        #expect(store.isSound())
        #expect(store.snapshot.all(Cluster.self).map(\.id) == ["goldenclusteraaaaaaaaaaaaa"])
        #expect(store.snapshot.get(Network.self, "n1")?.name == "backend")
        let keys = store.snapshot.part(KeyValueState.self)
        #expect(keys.version(of: Array("app/0".utf8)[...]).map { Array($0.value) } == Array("value 18".utf8))
        #expect(keys.version(of: Array("app/2".utf8)[...])?.isDeleted == true)
        #expect(keys.version(of: Array("lock".utf8)[...])?.session == "11111111-2222-4333-8444-555555555555")
        #expect(
            store.snapshot.part(SessionState.self).session("11111111-2222-4333-8444-555555555555")?.name == "golden")
        // Every row, with its revision.
        if !isChanged {
            #expect(store.revision == 24)
            #expect(store.digest == goldenDigest)
        }
        try await store.update(through: RaftProposer(node: node), at: time) { tx in
            var network = try #require(tx.get(Network.self, "n1"))
            network.labels = ["read": "\(store.revision)"]
            try tx.put(network)
        }
        await node.stop()
        try store.close()
    }
}
