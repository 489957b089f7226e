import Model
import Platform
import TestSupport
import Testing

@testable import Store

/// scenarios.md, Raft and storage, 18: a backup is whole or refused.
@Suite struct BackupTests {
    /// Rows that keep their order, as the key-value history does.
    private struct Notes: StatePart {
        static let name = "notes"
        private(set) var rows: [[UInt8]: [UInt8]] = [:]

        mutating func load(id: [UInt8], row: [UInt8]) throws {
            guard !id.isEmpty else { throw StoreError(.malformed, "a note without an id") }
            rows[id] = row
        }

        var rowsHash: UInt64 { rows.reduce(0) { $0 &+ RowHash.of(Self.name, id: $1.key, row: $1.value) } }

        func rows(
            after place: [UInt8]?, _ body: ([UInt8], [UInt8]) throws -> Bool
        ) rethrows -> [UInt8]? {
            for id in rows.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
                if let place, !place.lexicographicallyPrecedes(id) { continue }
                if try !body(id, rows[id] ?? []) { return id }
            }
            return nil
        }
    }

    private static let schema = Schema(tables: Schema.clusterTables, parts: [Notes.self])

    /// A state of some megabytes, with names, indexes and a part.
    private static func state(rows: Int = 2_000) async throws -> Store {
        let store = Store(schema: schema)
        let proposer = LocalProposer(store)
        for batch in 0..<(rows / 100) {
            try await store.update(through: proposer, at: start) { tx in
                for number in 0..<100 {
                    try tx.put(makeTask("t\(batch)-\(number)", service: "s1", slot: number, node: "n1"))
                }
            }
        }
        try await store.update(through: proposer, at: start) { try $0.put(makeService("s1", name: "web")) }
        var (snapshot, position) = store.standing
        for number in 0..<UInt8(200) {
            try snapshot.parts[0].load(id: [number], row: Array(repeating: number, count: 5_000))
        }
        position.term = 3
        try store.replace(by: snapshot, at: position)
        return store
    }

    private static func header(_ store: Store) -> BackupHeader {
        BackupHeader(clusterID: "c1", revision: store.revision, position: store.applied, createdAt: start)
    }

    private static func backup(_ store: Store) throws -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        let (snapshot, position) = store.standing
        try StoredState(snapshot, at: position).writeBackup(of: "c1", createdAt: start) { pieces.append($0) }
        return pieces
    }

    /// What version 1 made of the same.
    private static func formerBackup(_ store: Store) -> [UInt8] {
        let (snapshot, position) = store.standing
        var writer = ByteWriter()
        writer.raw(BackupFormat.magic)
        writer.integer(FormerBackup.version)
        writer.string("c1")
        for number in [snapshot.revision, position.index, position.term] { writer.integer(number) }
        writer.integer(start.seconds)
        var rows: UInt64 = 0
        for table in snapshot.tables {
            writer.integer(UInt8(1))
            writer.string(table.schema.name)
            for entry in table.rows {
                writer.integer(UInt8(2))
                writer.string(entry.key)
                writer.integer(entry.value.version)
                writer.data(entry.value.encoded)
                rows += 1
            }
        }
        for part in snapshot.parts {
            writer.integer(UInt8(3))
            writer.string(type(of: part).name)
            part.forEachRow { id, row in
                writer.integer(UInt8(4))
                writer.data(id)
                writer.data(row)
                rows += 1
            }
        }
        writer.integer(UInt8(0))
        writer.integer(rows)
        writer.raw(Digest.sha256(writer.bytes))
        return writer.bytes
    }

    private static func read(_ bytes: [UInt8], pieces size: Int = 10_000, schema: Schema = schema) throws -> Backup {
        var rest = bytes[...]
        return try BackupReader.read(schema) {
            defer { rest = rest.dropFirst(size) }
            return Array(rest.prefix(size))
        }
    }

    @Test(arguments: [1 << 20, 4_093]) func whatIsReadBackIsTheState(pieces: Int) async throws {
        let store = try await Self.state()
        let written = try Self.backup(store)
        #expect(written.count > 3, "it does not go out at once")
        #expect(written.allSatisfy { $0.count < 2 * BackupFormat.pieceBytes })
        let backup = try Self.read(written.flatMap { $0 }, pieces: pieces)
        #expect(backup.header == Self.header(store))
        let other = Store(schema: Self.schema)
        try other.replace(by: backup.snapshot, at: backup.header.position)
        #expect(other.digest == store.digest && other.isSound())
        #expect(backup.rows == 2_201)
        #expect(other.applied == store.applied)
        #expect(other.snapshot.tasks(ofService: "s1").count == 2_000)
        #expect(other.snapshot.named(Service.self, "WEB").map(\.id) == ["s1"])
    }

    /// The golden bytes of the frame; what is in it is a snapshot, as followers get it.
    @Test func itIsASnapshotWithAHeaderAndADigest() async throws {
        let store = try await Self.state(rows: 100)
        let bytes = try Self.backup(store).flatMap { $0 }
        let head =
            "4d52544c424b5550" + "02000000" + "02000000" + "6331"
            + Digest.hex(
                withUnsafeBytes(of: start.seconds.littleEndian) { Array($0) })
        #expect(Digest.hex(bytes.prefix(head.count / 2)) == head)
        #expect(Array(bytes.dropFirst(head.count / 2).dropLast(32)) == store.snapshotBytes().bytes)
        #expect(Array(bytes.suffix(32)) == Digest.sha256(bytes.dropLast(32)))
    }

    @Test func oneOfVersion1IsReadBack() async throws {
        let store = try await Self.state(rows: 100)
        let bytes = Self.formerBackup(store)
        let backup = try Self.read(bytes)
        #expect(backup.header == Self.header(store) && backup.rows == 301)
        #expect(backup.snapshot.digestOfRows == store.digest)
        for count in stride(from: 0, to: bytes.count, by: 9_973) {
            #expect(throws: StoreError.self) { try Self.read(Array(bytes.prefix(count))) }
        }
        for place in stride(from: 0, to: bytes.count, by: 8_191) {
            var damaged = bytes
            damaged[place] ^= 0x20
            #expect(throws: StoreError.self, "byte \(place)") { try Self.read(damaged) }
        }
    }

    @Test func aFileThatIsCutAnywhereIsRefused() async throws {
        let bytes = try Self.backup(try await Self.state(rows: 100)).flatMap { $0 }
        for count in Array(0..<200) + stride(from: 200, to: bytes.count, by: 9_973) + [bytes.count - 1] {
            #expect(throws: StoreError.self, "cut after \(count) bytes") { try Self.read(Array(bytes.prefix(count))) }
        }
        #expect(throws: StoreError.self) { try Self.read(bytes + [0]) }
    }

    @Test func aByteThatChangedAnywhereIsFound() async throws {
        let bytes = try Self.backup(try await Self.state(rows: 100)).flatMap { $0 }
        for place in Array(0..<120) + stride(from: 120, to: bytes.count, by: 8_191) + [bytes.count - 1] {
            var damaged = bytes
            damaged[place] ^= 0x20
            #expect(throws: StoreError.self, "byte \(place)") { try Self.read(damaged) }
        }
    }

    @Test func whatItIsIsSaid() async throws {
        func reason(_ bytes: [UInt8], schema: Schema = Self.schema) -> String {
            do {
                _ = try Self.read(bytes, schema: schema)
                return "nothing"
            } catch { return "\(error)" }
        }
        let bytes = try Self.backup(try await Self.state(rows: 100)).flatMap { $0 }
        #expect(reason([]).contains("empty"))
        #expect(reason(Array("{\"a\": 1}".utf8)).contains("no backup"))
        #expect(reason(Array(bytes.dropLast(40))).contains("cut short"))
        var newer = bytes
        newer[8] = 3
        #expect(reason(newer).contains("format 3") && reason(newer).contains("version"))
        #expect(reason(bytes, schema: .cluster).contains("part notes, which this version does not know"))
        // A name that is none any more is damage, not news: nobody is to look for a newer version.
        var flipped = bytes
        let name = try #require(bytes.firstRange(of: Array("notes".utf8)))
        flipped[name.lowerBound] ^= 1
        #expect(reason(flipped).contains("damaged") && !reason(flipped).contains("newer"), "\(reason(flipped))")
    }

    /// Whatever the bytes are, they are refused and not trapped on.
    @Test func garbageIsRefused() async throws {
        let bytes = try Self.backup(try await Self.state(rows: 100)).flatMap { $0 }
        var random = Seeded(7)
        for _ in 0..<200 {
            var damaged = Array(bytes.prefix(Int(random.next() % 4_000) + 1))
            for _ in 0..<(random.next() % 8 + 1) {
                damaged[Int(random.next() % UInt64(damaged.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            #expect(throws: StoreError.self) { try Self.read(damaged) }
        }
    }
}
