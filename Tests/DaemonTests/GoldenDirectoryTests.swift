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

/// Managers' folders as earlier versions wrote them (`Tests/DaemonTests/Golden`): a later version that cannot read them must not
/// be released (scenarios.md, Raft and storage, 19). A change of a format gets a folder of its own beside them; they stay as they are, for ever.
///
/// 1 is plain. 2 is sealed: log, snapshot, and the values of the database. 3 has the versions of keys in blocks.
///
/// `MARTLET_WRITE_GOLDEN=FOLDER` makes one of what the present version writes.
@Suite(.timeLimit(.minutes(1))) struct GoldenDirectoryTests {
    private static let here = #filePath.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
    private static let folders = [1, 2, 3]
    private static let written = ProcessInfo.processInfo.environment["MARTLET_WRITE_GOLDEN"]
    private static let nodeID = "goldenmanageraaaaaaaaaaaaa"
    private static let time = Timestamp(seconds: 1_800_000_000)

    /// What folders 2 and 3 are sealed with.
    private static let key = DataKey(number: 1, bytes: [UInt8](0..<32))

    private static let goldenDigest: UInt64 = 14_088_342_331_246_676_055

    private static func keys() throws -> DataKeys { DataKeys(try #require(key)) }

    private static func options(_ folder: String, founding: Bool = false) throws -> RaftNode.Options {
        var settings = RaftSettings()
        settings.segmentBytes = 1 << 14
        settings.snapshotAfterEntries = 12
        settings.trailingEntries = 2
        let id = NodeID(of: nodeID)
        var options = RaftNode.Options(
            id: id, directory: folder + "/raft", settings: settings,
            founders: founding ? Configuration(voters: [Member(id: id, address: "192.0.2.1:2377")]) : nil)
        options.sealing = FileSealing(try keys())
        return options
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
        let store = try Store(path: folder + "/state.db", keys: Self.keys(), schema: ManagerRole.schema)
        let node = try await RaftNode.start(
            try Self.options(folder, founding: true), stateMachine: ReplicatedStore(store), transport: LocalNetwork())
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

    @Test(.enabled(if: written == nil, "a golden folder is being made"), arguments: folders)
    func itIsReadAndGoesOn(_ number: Int) async throws {
        let copy = try TemporaryDirectory("golden")
        let folder = try Self.copy(number, to: copy)
        try await Self.check(folder)
        #expect(try Self.plain(in: folder) == [])
        // As it was left by that, it is this version's.
        try await Self.check(folder, isChanged: true)
        #expect(try Self.plain(in: folder) == [])
    }

    private static func copy(_ number: Int, to folder: borrowing TemporaryDirectory) throws -> String {
        try FileManager.default.copyItem(atPath: "\(here)/Golden/\(number)", toPath: folder.file("m"))
        return folder.file("m")
    }

    /// Files in which a value is found that is a secret.
    private static func plain(in folder: String) throws -> [String] {
        let secrets = ["value 18", "backend", "goldenclusteraaaaaaaaaaaaa\""].map { Data($0.utf8) }
        return try FileManager.default.subpathsOfDirectory(atPath: folder).filter { name in
            guard let bytes = FileManager.default.contents(atPath: "\(folder)/\(name)") else { return false }
            return secrets.contains { bytes.range(of: $0) != nil }
        }
    }

    /// Without the database, snapshot and log must bring back the same.
    @Test(.enabled(if: written == nil, "a golden folder is being made"), arguments: folders)
    func snapshotAndLogAloneAreEnough(_ number: Int) async throws {
        let copy = try TemporaryDirectory("golden")
        let folder = try Self.copy(number, to: copy)
        try Files.unlink(folder + "/state.db")
        try await Self.check(folder)
    }

    /// Of a folder whose key is not the node's nothing is believed, and nothing is taken for damage.
    @Test(.enabled(if: written == nil, "a golden folder is being made")) func anotherKeyIsCalledThat() async throws {
        let copy = try TemporaryDirectory("golden")
        let folder = try Self.copy(2, to: copy)
        let other = DataKeys(.first())
        #expect(throws: StoreError.self) {
            do { _ = try Store(path: folder + "/state.db", keys: other, schema: ManagerRole.schema) } catch {
                #expect((error as? StoreError)?.code == .wrongKey)
                throw error
            }
        }
        var options = try Self.options(folder)
        options.sealing = FileSealing(other)
        do {
            _ = try await RaftNode.start(
                options, stateMachine: ReplicatedStore(Store(schema: ManagerRole.schema)), transport: LocalNetwork())
            Issue.record("it started")
        } catch let error as RaftError {
            #expect(error.code == .wrongKey)
        }
    }

    private static func check(_ folder: String, isChanged: Bool = false) async throws {
        let store = try Store(path: folder + "/state.db", keys: Self.keys(), schema: ManagerRole.schema)
        let node = try await RaftNode.start(
            try options(folder), stateMachine: ReplicatedStore(store), transport: LocalNetwork())
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
