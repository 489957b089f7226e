import Foundation
import Model
import Platform
import Testing

@testable import Store

@Suite struct PersistenceTests {
    private func withPath(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "store-\(Identifier.random())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder.appending(path: "state.db").path(percentEncoded: false))
    }

    @Test func theStateIsThereAgainAfterClosing() async throws {
        try await withPath { path in
            let store = try Store(path: path, keys: testKeys)
            let proposer = LocalProposer(store)
            try await store.update(through: proposer, at: start) { tx in
                try tx.put(makeService("s1", name: "web"))
                try tx.put(makeTask("t1", service: "s1", slot: 1, node: "n1"))
                try tx.put(makeTask("t2", service: "s1", slot: 2, node: "n1"))
            }
            try await store.update(through: proposer, at: start) { $0.delete(ClusterTask.self, "t2") }
            let hash = store.digest
            try store.close()

            let again = try Store(path: path, keys: testKeys)
            #expect(again.digest == hash)
            #expect(again.revision == 2)
            #expect(again.applied == LogPosition(index: 2, term: 1))
            #expect(again.durable == again.applied)
            #expect(again.snapshot.tasks(onNode: "n1").map(\.id) == ["t1"])
            #expect(again.snapshot.get(Service.self, "s1")?.version.index == 1)
        }
    }

    @Test func aNewerFormatIsCalledThat() async throws {
        try await withPath { path in
            try Store(path: path, keys: testKeys).close()
            do {
                let database = try SQLiteDatabase(path)
                try database.setUserVersion(99)
            }
            let error = #expect(throws: StoreError.self) { try Store(path: path, keys: testKeys) }
            #expect(error?.message.contains("format 99") == true)
        }
    }

    @Test func whatWasNotFlushedIsReplayedToTheSame() async throws {
        try await withPath { path in
            let store = try Store(path: path, keys: testKeys)
            var log: [[UInt8]] = []
            for number in 1...20 {
                var transaction = Transaction(store.snapshot, at: start)
                try transaction.put(makeTask("t\(number)", service: "s1", slot: number))
                if number > 5 { transaction.delete(ClusterTask.self, "t\(number - 5)") }
                let command = try #require(try transaction.commands().first).encoded
                log.append(command)
                _ = try store.apply(index: UInt64(number), term: 1, command: command)
                if number == 7 { try store.flush() }
            }
            // The process dies here: another one opens what the database has and replays the log behind it.
            let again = try Store(path: path, keys: testKeys)
            #expect(again.applied.index >= 7)
            for index in Int(again.applied.index) + 1..<21 {
                _ = try again.apply(index: UInt64(index), term: 1, command: log[index - 1])
            }
            #expect(again.digest == store.digest)
            #expect(again.revision == 20)
        }
    }

    @Test func aSnapshotReplacesEverythingAlsoOnDisk() async throws {
        let leader = Store()
        let proposer = LocalProposer(leader)
        try await leader.update(through: proposer, at: start) { try $0.put(makeService("s1", name: "web")) }
        try await withPath { path in
            let follower = try Store(path: path, keys: testKeys)
            let (_, feed) = follower.watch()
            _ = try follower.apply(
                index: 1, term: 1,
                command: try #require(
                    try {
                        var other = Transaction(follower.snapshot, at: start)
                        try other.put(makeService("old", name: "old"))
                        return try other.commands().first
                    }()
                ).encoded)
            let (position, bytes) = leader.snapshotBytes()
            #expect(position == LogPosition(index: 1, term: 1))
            try follower.restore(bytes)
            #expect(follower.digest == leader.digest)
            var iterator = feed.makeAsyncIterator()
            guard case .lagged? = await iterator.next() else {
                Issue.record("the watcher was not told")
                return
            }
            try follower.close()
            let again = try Store(path: path, keys: testKeys)
            #expect(again.digest == leader.digest)
            #expect(again.snapshot.get(Service.self, "old") == nil)
        }
    }

    @Test(.timeLimit(.minutes(1))) func aFullDiskLosesNothing() async throws {
        let disk = FaultyStorage()
        let store = try Store(storage: disk, schema: .cluster)
        let proposer = LocalProposer(store)
        disk.isFull = true
        try await store.update(through: proposer, at: start) { try $0.put(makeService("s1", name: "web")) }
        #expect(throws: (any Error).self) { try store.flush() }
        #expect(store.durable.index == 0)
        #expect(store.applied.index == 1)
        disk.isFull = false
        try store.flush()
        #expect(store.durable.index == 1)
        #expect(disk.written == [["service/s1"]])
    }
}

/// Keeps what was written in memory, and fails when told to.
private final class FaultyStorage: StateStorage, @unchecked Sendable {
    var isFull = false
    var written: [[String]] = []

    func load(schema: Schema) throws -> (Snapshot, LogPosition) { (Snapshot(schema: schema), LogPosition()) }

    func write(_ changes: StateChanges) throws {
        if isFull { throw StoreError(.database, "no space") }
        written.append(changes.rows.map { "\($0.key.table)/\($0.key.id)" }.sorted())
    }

    func close() {}
}
