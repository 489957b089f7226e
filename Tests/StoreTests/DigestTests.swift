import Model
import Platform
import TestSupport
import Testing

@testable import Store

/// scenarios.md, Raft and storage, 17: what tells two states apart.
@Suite struct DigestTests {
    @Test func itIsThatOfTheRowsWhateverWasWrittenBefore() async throws {
        let store = Store()
        let proposer = LocalProposer(store)
        var random = Seeded(11)
        var seen: Set<UInt64> = [store.digest]
        for round in 0..<200 {
            try await store.update(through: proposer, at: start) { tx in
                let id = "t\(random.next() % 20)"
                if random.next() % 3 == 0, round > 20 {
                    tx.delete(ClusterTask.self, id)
                } else {
                    try tx.put(makeTask(id, service: "s\(random.next() % 3)", slot: round))
                }
            }
            #expect(store.digest == store.snapshot.digestOfRows)
            seen.insert(store.digest)
        }
        #expect(seen.count == Int(store.revision) + 1, "no two states had the same")
        #expect(store.isSound())
    }

    @Test func theOrderOfWritesIsNotInIt() throws {
        func state(_ ids: [String]) throws -> Snapshot {
            var snapshot = Snapshot(schema: .cluster)
            let table = try #require(snapshot.schema.tableIndex(ClusterTask.table))
            for id in ids {
                let task = makeTask(id, service: "s", slot: 1)
                snapshot.tables[table].put(Row(task, version: 7, encoded: try ObjectCoding.encode(task)))
            }
            return snapshot
        }
        #expect(try state(["a", "b", "c"]).digest == state(["c", "a", "b"]).digest)
        #expect(try state(["a", "b"]).digest != state(["a", "c"]).digest)
        #expect(try state([]).digest != state(["a"]).digest)
    }

    /// A change of it would make members of two versions differ.
    @Test func theHashStaysAsItIs() {
        #expect(RowHash.of("kv", id: [], row: []) == 15_361_818_911_810_286_127)
        #expect(RowHash.of("kv", id: [1, 2, 3], row: Array(0..<40)) == 5_195_934_663_341_275_379)
    }

    @Test(arguments: 1...100) func everyBitCounts(_ length: Int) {
        var row = [UInt8](repeating: 0x5a, count: length)
        let whole = RowHash.of("kv", id: [1], row: row)
        for bit in 0..<length * 8 {
            row[bit / 8] ^= 1 << (bit % 8)
            #expect(RowHash.of("kv", id: [1], row: row) != whole)
            row[bit / 8] ^= 1 << (bit % 8)
        }
        #expect(RowHash.of("kv", id: [1], row: row + [0]) != whole && RowHash.of("kv", id: [1, 0], row: row) != whole)
    }

    /// A part whose memory fails: its hash is not told.
    private struct Frail: StatePart {
        static let name = "frail"
        var rows: [[UInt8]] = []
        private(set) var rowsHash: UInt64 = 0

        mutating func load(id: [UInt8], row: [UInt8]) throws {
            rows.append(row)
            rowsHash &+= RowHash.of(Self.name, id: [], row: row)
        }

        func rows(
            after place: [UInt8]?, _ body: ([UInt8], [UInt8]) throws -> Bool
        ) rethrows -> [UInt8]? {
            // Few enough for one look.
            for row in rows where try !body([], row) { return [] }
            return nil
        }
    }

    @Test func aRowThatChangedInMemoryIsFound() throws {
        let store = Store(schema: Schema(tables: Schema.clusterTables, parts: [Frail.self]))
        var (snapshot, position) = store.standing
        var part = Frail()
        try part.load(id: [], row: [1, 2, 3])
        snapshot.parts[0] = part
        position.index = 1
        try store.replace(by: snapshot, at: position)
        #expect(store.isSound())
        part.rows[0][1] ^= 4
        snapshot.parts[0] = part
        try store.replace(by: snapshot, at: position)
        #expect(!store.isSound())
    }

    /// A database whose rows are not what was written is no state: snapshot and log make another.
    @Test func aDatabaseThatWasChangedIsNotBelieved() async throws {
        let folder = try TemporaryDirectory("digest")
        let path = folder.file("state.db")
        let store = try Store(path: path, keys: testKeys)
        try await store.update(through: LocalProposer(store), at: start) { tx in
            for number in 0..<50 { try tx.put(makeTask("t\(number)", service: "s", slot: number)) }
        }
        try store.close()
        do {
            let database = try SQLiteDatabase(path)
            try database.execute("DELETE FROM row WHERE id = 't7'")
        }
        let again = try Store(path: path, keys: testKeys)
        #expect(again.applied == LogPosition() && again.revision == 0)
        #expect(again.snapshot.count(ClusterTask.self) == 0)
        try again.flush()
        try again.close()
        #expect(try Store(path: path, keys: testKeys).revision == 0)
    }
}
