import Model
import Platform
import Synchronization
import Testing

@testable import Store

/// scenarios.md, Raft and storage, 19: what a manager does not know is not proposed before it does.
@Suite struct CommandLevelTests {
    /// A kind that came later.
    private struct Newer: CommandKind {
        let name = "newer"
        let level = 2
        func apply(_ payload: ArraySlice<UInt8>, to state: inout AppliedChanges) throws -> [UInt8] { [] }
    }

    private static let schema = Schema(tables: Schema.clusterTables, kinds: [Newer()])

    @Test func aKindIsProposedOnceEveryManagerKnowsIt() async throws {
        let level = Mutex((1, ["host2"]))
        let store = Store(schema: Self.schema)
        let proposer = LevelledProposer(LocalProposer(store), schema: Self.schema) { level.withLock { $0 } }
        let command = Command(kind: "newer", payload: []).encoded
        let error = await #expect(throws: StoreError.self) { try await proposer.propose(command) }
        #expect(error?.code == .notYetKnown && error?.message.contains("host2") == true)
        #expect(store.applied.index == 0, "nothing was proposed")
        // What all know goes on meanwhile.
        try await store.update(through: proposer, at: start) { try $0.put(makeService("s1", name: "web")) }
        level.withLock { $0 = (2, []) }
        _ = try await proposer.propose(command)
        #expect(store.applied.index == 2)
    }

    @Test func aTableIsWrittenToOnceEveryManagerKnowsIt() async throws {
        let store = Store(schema: Schema.cluster)
        let level = Mutex(1)
        let proposer = LevelledProposer(LocalProposer(store), schema: Schema.cluster) {
            (level.withLock { $0 }, ["host2"])
        }
        let secret = Secret(id: "x", createdAt: start, spec: FileSpec(name: "x", data: [1]))
        let write = { (store: Store) in
            _ = try await store.update(through: proposer, at: start) { transaction in
                try transaction.put(makeService("s2", name: "other"))
                try transaction.put(secret)
            }
        }
        let error = await #expect(throws: StoreError.self) { try await write(store) }
        #expect(error?.code == .notYetKnown)
        #expect(store.applied.index == 0, "nothing was proposed")
        level.withLock { $0 = 2 }
        try await write(store)
        #expect(store.snapshot.get(Secret.self, "x")?.spec.data?.bytes == [1])
        // To take one away is a write, too.
        level.withLock { $0 = 1 }
        proposer.reconsider()
        await #expect(throws: StoreError.self) {
            try await store.update(through: proposer, at: start) { $0.delete(Secret.self, "x") }
        }
    }

    /// Commands are looked at, and the managers asked, only while one of them lags.
    @Test func whereAllKnowEverythingNobodyIsAsked() async throws {
        let asked = Mutex(0)
        let level = Mutex(CommandLevel.current)
        let store = Store(schema: Self.schema)
        let proposer = LevelledProposer(LocalProposer(store), schema: Self.schema) {
            asked.withLock { $0 += 1 }
            return (level.withLock { $0 }, ["host2"])
        }
        let command = Command(kind: "newer", payload: []).encoded
        for _ in 0..<20 { _ = try await proposer.propose(command) }
        #expect(asked.withLock { $0 } == 1)
        level.withLock { $0 = 1 }
        proposer.reconsider()
        await #expect(throws: StoreError.self) { try await proposer.propose(command) }
        #expect(store.applied.index == 20)
        level.withLock { $0 = CommandLevel.current }
        _ = try await proposer.propose(command)
        proposer.reconsider()
        for _ in 0..<20 { _ = try await proposer.propose(command) }
        #expect(store.applied.index == 41)
        #expect(asked.withLock { $0 } == 5)
    }

    @Test(arguments: [[], [9], [0, 0, 0, 9], [1, 0, 0, 0, 1], [1, 0, 0, 0, 1, 255, 255, 255, 255]] as [[UInt8]])
    func garbageHasNoTables(bytes: [UInt8]) {
        #expect((try? ObjectsCommand.tables(bytes[...])) == nil)
    }

    /// A kind that this version brings has a level that this version announces.
    @Test func everyKindIsAnnounced() {
        for kind in Schema.cluster.kinds.values {
            #expect((CommandLevel.first...CommandLevel.current).contains(kind.level))
        }
    }

    @Test(arguments: [[], [1], [1, 9, 0, 0, 0, 1], [2, 1, 0, 0, 0, 65]] as [[UInt8]])
    func garbageHasNoKind(bytes: [UInt8]) { #expect((try? Command.kind(of: bytes)) == nil) }
}
