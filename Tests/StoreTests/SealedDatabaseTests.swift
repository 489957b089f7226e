import Foundation
import Model
import Platform
import TestSupport
import Testing

@testable import Store

/// What the state's database shows to who reads the disk, and what it makes of what was changed there.
@Suite struct SealedDatabaseTests {
    private static let secret = "a-service-nobody-knows-of"

    private func fill(_ path: String, keys: DataKeys = testKeys) async throws -> Store {
        let store = try Store(path: path, keys: keys)
        try await store.update(through: LocalProposer(store), at: start) { tx in
            try tx.put(makeService("s1", name: Self.secret))
            for number in 0..<20 { try tx.put(makeTask("t\(number)", service: "s1", slot: number)) }
        }
        return store
    }

    /// Files in which the secret is found.
    private func plain(in folder: borrowing TemporaryDirectory) throws -> [String] {
        let path = folder.path
        return try FileManager.default.subpathsOfDirectory(atPath: path).filter { name in
            FileManager.default.contents(atPath: "\(path)/\(name)")?.range(of: Data(Self.secret.utf8)) != nil
        }
    }

    @Test func valuesAreNotFoundInItsFiles() async throws {
        let folder = try TemporaryDirectory("sealed")
        let store = try await fill(folder.file("state.db"))
        try store.flush()
        #expect(try plain(in: folder) == [], "the WAL too")
        try store.close()
        #expect(try plain(in: folder) == [])
        let database = try SQLiteDatabase(folder.file("state.db"))
        let ids = try database.prepare("SELECT id FROM row WHERE tbl = 'service'").rows { $0.text(0) }
        #expect(ids == ["s1"], "names are plain")
    }

    @Test func anotherKeyIsCalledThat() async throws {
        let folder = try TemporaryDirectory("sealed")
        let path = folder.file("state.db")
        try await fill(path).close()
        for keys in [DataKeys(.first()), DataKeys(try #require(DataKey(number: 2, bytes: randomBytes(32))))] {
            let error = #expect(throws: StoreError.self) { try Store(path: path, keys: keys) }
            #expect(error?.code == .wrongKey)
        }
        #expect(try Store(path: path, keys: testKeys).revision == 1)
    }

    /// A value in another row's place, at another version, or changed: the state is made anew from snapshot and log.
    @Test(arguments: [
        "UPDATE row SET object = (SELECT object FROM row WHERE id = 't8') WHERE id = 't7'",
        "UPDATE row SET version = version + 1 WHERE id = 't7'",
        "UPDATE row SET object = zeroblob(300) WHERE id = 't7'",
        "UPDATE row SET object = x'' WHERE id = 't7'",
        "UPDATE row SET id = 't77' WHERE id = 't7'",
        "UPDATE position SET revision = revision + 1",
        "UPDATE position SET rows_digest = x'00'",
        "UPDATE sealing SET salt = zeroblob(32)",
        "UPDATE sealing SET proof = x''",
        "UPDATE sealing SET key = -1",
        "DELETE FROM sealing",
    ]) func whatWasChangedIsNotBelieved(_ change: String) async throws {
        let folder = try TemporaryDirectory("sealed")
        let path = folder.file("state.db")
        try await fill(path).close()
        do {
            let database = try SQLiteDatabase(path)
            try database.execute(change)
            #expect(database.changes > 0)
        }
        do {
            let again = try Store(path: path, keys: testKeys)
            #expect(again.applied == LogPosition() && again.revision == 0)
            // And written as a whole with what snapshot and log bring.
            let whole = try await fill(folder.file("other.db"))
            try again.replace(by: whole.snapshot, at: LogPosition(index: 1, term: 1))
            try again.close()
        }
        #expect(try Store(path: path, keys: testKeys).revision == 1)
    }

    /// After a start with another key everything is written with it, and the earlier one is needed no more.
    @Test func keysAreRotated() async throws {
        let folder = try TemporaryDirectory("sealed")
        let path = folder.file("state.db")
        let first = DataKey.first()
        let second = try #require(first.successor())
        try await fill(path, keys: DataKeys(first)).close()
        let both = try #require(DataKeys([first, second]))
        let store = try Store(path: path, keys: both)
        let digest = store.digest
        try store.close()
        #expect(try Store(path: path, keys: DataKeys(second)).digest == digest)
    }

    /// A key that is added while the database is open seals from then on; both are needed.
    @Test func keysAreRotatedMeanwhile() async throws {
        let folder = try TemporaryDirectory("sealed")
        let path = folder.file("state.db")
        let keys = DataKeys(.first())
        let store = try await fill(path, keys: keys)
        try store.flush()
        keys.add(try #require(keys.newest.successor()))
        try await store.update(through: LocalProposer(store), at: start) { try $0.put(makeService("s2", name: "b")) }
        try store.close()
        #expect(throws: StoreError.self) { try Store(path: path, keys: DataKeys(keys.newest)) }
        #expect(try Store(path: path, keys: keys).revision == 2)
    }

    /// What is written anew while the database is open is on the disk when it is said to be: the former key may go then.
    @Test func aFormerKeyIsForgottenMeanwhile() async throws {
        let folder = try TemporaryDirectory("sealed")
        let path = folder.file("state.db")
        let keys = DataKeys(.first())
        let store = try await fill(path, keys: keys)
        try store.flush()
        for number in 2...4 {
            keys.add(try #require(keys.newest.successor()))
            if number > 2 {
                try await store.update(through: LocalProposer(store), at: start) {
                    try $0.put(makeService("s\(number)", name: "n\(number)"))
                }
            }
            try store.reseal()
            keys.forget(before: keys.newest.number)
            // As the power leaves it: what is in the file itself.
            let copy = folder.file("copy\(number).db")
            try Files.write(copy, try Files.read(path))
            #expect(try Store(path: copy, keys: DataKeys(keys.newest)).digest == store.digest)
        }
        try store.close()
        #expect(try Store(path: path, keys: DataKeys(keys.newest)).revision == 3)
    }

    /// Databases of the formats before are brought to this one, and nothing of them stays.
    @Test(arguments: PlainDatabase.formats) func plainFormatsAreSealed(format: Int) async throws {
        let folder = try TemporaryDirectory("sealed")
        let path = folder.file("state.db")
        let state = try await fill(folder.file("other/state.db", inNewFolder: true))
        try writePlain(state.snapshot, at: path, format: format)
        #expect(try plain(in: folder) == ["state.db"])
        // Left from an attempt that was cut short.
        try Files.write(path + ".sealed", [1, 2, 3])
        for _ in 0..<2 {
            let again = try Store(path: path, keys: testKeys)
            #expect(again.digest == state.digest && again.applied == LogPosition(index: 1, term: 1))
            #expect(again.revision == 1)
            #expect(try plain(in: folder) == [])
            try again.close()
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["other", "state.db"])
    }

    private func writePlain(_ snapshot: Snapshot, at path: String, format: Int) throws {
        let database = try SQLiteDatabase(path)
        try database.execute(
            """
            CREATE TABLE row (tbl TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, object BLOB NOT NULL,
                PRIMARY KEY (tbl, id)) WITHOUT ROWID;
            CREATE TABLE position (one INTEGER PRIMARY KEY CHECK (one = 1), log_index INTEGER NOT NULL,
                term INTEGER NOT NULL, revision INTEGER NOT NULL\(format > 2 ? ", rows_digest INTEGER" : ""));
            """)
        if format > 1 {
            try database.execute(
                """
                CREATE TABLE part_row (part TEXT NOT NULL, id BLOB NOT NULL, row BLOB NOT NULL,
                    PRIMARY KEY (part, id)) WITHOUT ROWID
                """)
        }
        for table in snapshot.tables {
            for entry in table.rows {
                try database.prepare("INSERT INTO row VALUES (?, ?, ?, ?)").run([
                    .text(table.schema.name), .text(entry.key), .integer(entry.value.version),
                    .blob(entry.value.encoded),
                ])
            }
        }
        let digest = format > 2 ? ", \(Int64(bitPattern: snapshot.digest))" : ""
        try database.execute("INSERT INTO position VALUES (1, 1, 1, \(snapshot.revision)\(digest))")
        try database.setUserVersion(format)
    }
}

extension TemporaryDirectory {
    fileprivate func file(_ name: String, inNewFolder: Bool) throws -> String {
        try Files.createDirectories(Files.parent(of: file(name)))
        return file(name)
    }
}
