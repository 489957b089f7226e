public import Platform

/// The state as rows of a SQLite database, with the position in the log that they are at. Names and ids are plain, and so are
/// versions and the position; the objects, the parts' rows and the digest are sealed (`RowSealing`). Rows that are only added and taken
/// away are kept many together (`RowBlocks`).
///
/// `@unchecked`: the connection belongs to one thread at a time, which `Store` sees to (its writer's queue; before that,
/// the thread that opens it).
final class SQLiteStateStorage: StateStorage, @unchecked Sendable {
    /// The layout of the tables; an unknown one is refused.
    static let format = 5
    /// The same without blocks: its rows stay where they are until they go.
    private static let formatBeforeBlocks = 4

    private var database: SQLiteDatabase?
    private let sealing: RowSealing
    private let blocks: RowBlocks
    private var parts: [any StatePart.Type] = []
    private let path: String

    /// Opens or makes the database; one of the plain formats is replaced by a sealed one.
    init(path: String, keys: DataKeys) throws {
        self.path = path
        sealing = RowSealing(keys)
        blocks = RowBlocks(sealing)
        do {
            if Files.exists(path) {
                let found = try SQLiteDatabase(path).userVersion()
                if PlainDatabase.formats.contains(found) {
                    try PlainDatabase.seal(path, keys)
                } else if found != 0, found != Self.format, found != Self.formatBeforeBlocks {
                    throw StoreError(
                        .database,
                        "\(path) has format \(found), which this version does not know; use the one that wrote it")
                }
            }
            // Rows come and go in order, many at a time: larger pages are fewer to write.
            let database = try SQLiteDatabase(path, pageSize: 8 << 10)
            // Moved to the file in small portions: what syncs a lot at once holds up the log on the same disk.
            try database.execute("PRAGMA wal_autocheckpoint = 256")
            try database.transaction {
                try database.execute(
                    """
                    CREATE TABLE IF NOT EXISTS row (
                        tbl TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, object BLOB NOT NULL,
                        PRIMARY KEY (tbl, id)) WITHOUT ROWID;
                    CREATE TABLE IF NOT EXISTS part_row (
                        part TEXT NOT NULL, id BLOB NOT NULL, row BLOB NOT NULL,
                        PRIMARY KEY (part, id)) WITHOUT ROWID;
                    CREATE TABLE IF NOT EXISTS position (
                        one INTEGER PRIMARY KEY CHECK (one = 1), log_index INTEGER NOT NULL, term INTEGER NOT NULL,
                        revision INTEGER NOT NULL, rows_digest BLOB);
                    """)
                try database.execute(RowBlocks.tables)
                try database.setUserVersion(Self.format)
            }
            self.database = database
        } catch let error as SQLiteError {
            throw StoreError(.database, "cannot open the state in \(path)", cause: error)
        } catch let error as SystemError {
            throw StoreError(.database, "cannot seal the state in \(path)", cause: error)
        }
    }

    var hasEarlierKeys: Bool { sealing.hasEarlierKeys }

    func load(schema: Schema) throws -> (Snapshot, LogPosition) {
        let database = try open()
        parts = schema.parts
        try sealing.open(in: database)
        var snapshot = Snapshot(schema: schema)
        let found = try database.prepare("SELECT log_index, term, revision, rows_digest FROM position").rows { row in
            (
                index: UInt64(bitPattern: row.integer(0)), term: UInt64(bitPattern: row.integer(1)),
                revision: UInt64(bitPattern: row.integer(2)), digest: row.isNull(3) ? nil : row.blob(3)
            )
        }
        guard let position = found.first else { return (snapshot, LogPosition()) }
        snapshot.revision = position.revision
        try database.prepare("SELECT tbl, id, version, object FROM row ORDER BY tbl, id").forEachRow { row in
            let (table, id, version) = (row.text(0), row.text(1), UInt64(bitPattern: row.integer(2)))
            guard let index = schema.tableIndex(table) else {
                throw StoreError(.unknownKind, "table \(table) in \(path) is not known to this version")
            }
            let object = try unseal(
                row.blob(3), RowSealing.place(table: table, id: id, version: version), "\(table) \(id)")
            let decoded = try schema.tables[index].decode(object, version)
            guard decoded.id == id else {
                throw StoreError(.malformed, "\(table) \(id) holds the object \(decoded.id)")
            }
            snapshot.tables[index].put(decoded)
        }
        try database.prepare("SELECT part, id, row FROM part_row ORDER BY part, id").forEachRow { row in
            let (part, id) = (row.text(0), row.blob(1))
            guard let index = schema.partIndex(part) else {
                throw StoreError(.unknownKind, "part \(part) in \(path) is not known to this version")
            }
            let value = try unseal(row.blob(2), RowSealing.place(part: part, id: id), "a row of \(part)")
            try snapshot.parts[index].load(id: id, row: value)
        }
        // All of what a version before blocks has left is older.
        try blocks.forEachRow(in: database) { part, id, row in
            guard let index = schema.partIndex(part) else {
                throw StoreError(.unknownKind, "part \(part) in \(path) is not known to this version")
            }
            try snapshot.parts[index].load(id: id, row: row)
        }
        if let digest = position.digest {
            let place = RowSealing.place(digestAt: position.index, term: position.term, revision: position.revision)
            guard try unseal(digest, place, "the digest") == Self.bytes(of: snapshot.digest) else {
                throw StoreError(.damaged, "the rows in \(path) are not those that were written there")
            }
        }
        return (snapshot, LogPosition(index: position.index, term: position.term))
    }

    private func unseal(_ value: [UInt8], _ place: [UInt8], _ what: String) throws -> [UInt8] {
        guard let plain = sealing.open(value, place) else {
            throw StoreError(.damaged, "\(what) in \(path) is not what was written there")
        }
        return plain
    }

    private static func bytes(of digest: UInt64) -> [UInt8] { withUnsafeBytes(of: digest.littleEndian, Array.init) }

    func write(_ changes: StateChanges) throws {
        let database = try open()
        do {
            try sealing.begin(in: database)
            try database.transaction {
                if let whole = changes.whole {
                    try rewrite(whole, in: database)
                } else {
                    try write(changes.rows, to: database)
                    try write(changes.rowWrites, to: database)
                }
                try writePosition(
                    index: changes.position.index, term: changes.position.term, revision: changes.revision,
                    digest: changes.digest, to: database)
            }
            blocks.finish()
            if changes.whole != nil { sealing.othersAreGone() }
        } catch let error as SQLiteError {
            throw StoreError(.database, "cannot write the state to \(path)", cause: error)
        }
    }

    private func writePosition(
        index: UInt64, term: UInt64, revision: UInt64, digest: UInt64?, to database: SQLiteDatabase
    ) throws {
        let place = RowSealing.place(digestAt: index, term: term, revision: revision)
        try database.prepare("INSERT OR REPLACE INTO position VALUES (1, ?, ?, ?, ?)").run([
            .integer(index), .integer(term), .integer(revision),
            digest.map { .blob(sealing.seal(Self.bytes(of: $0), place)) } ?? .null,
        ])
    }

    private func write(_ rows: [(key: Store.RowKey, row: (any AnyRow)?)], to database: SQLiteDatabase) throws {
        guard !rows.isEmpty else { return }
        let remove = try database.prepare("DELETE FROM row WHERE tbl = ? AND id = ?")
        let put = try database.prepare("INSERT OR REPLACE INTO row VALUES (?, ?, ?, ?)")
        for (key, row) in rows {
            if let row {
                try put.run(values(key.table, key.id, row.version, row.encoded))
            } else {
                try remove.run([.text(key.table), .text(key.id)])
            }
        }
    }

    private func write(_ writes: [RowWrite], to database: SQLiteDatabase) throws {
        guard !writes.isEmpty else { return }
        let remove = try database.prepare("DELETE FROM part_row WHERE part = ? AND id = ?")
        let put = try database.prepare("INSERT OR REPLACE INTO part_row VALUES (?, ?, ?)")
        var appended = parts.map { _ in RowBlocks.Writes() }
        var index: Int?
        for write in writes {
            let id = write.id
            if index.map({ parts[$0].name != write.part }) ?? true {
                index = parts.firstIndex { $0.name == write.part }
            }
            if let index, parts[index].isAppended(id) {
                appended[index].ids.append(id)
                appended[index].writes.append(write)
            } else if let row = write.row {
                try put.run(values(write.part, id, row))
            } else {
                try remove.run([.text(write.part), .blob(id)])
            }
        }
        for (part, writes) in zip(parts, appended) where !writes.ids.isEmpty {
            for id in try blocks.write(writes, of: part.name, to: database) {
                try remove.run([.text(part.name), .blob(id)])
            }
        }
    }

    private func values(_ table: String, _ id: String, _ version: UInt64, _ object: [UInt8]) -> [SQLiteValue] {
        let place = RowSealing.place(table: table, id: id, version: version)
        return [.text(table), .text(id), .integer(version), .blob(sealing.seal(object, place))]
    }

    private func values(_ part: String, _ id: [UInt8], _ row: [UInt8]) -> [SQLiteValue] {
        [.text(part), .blob(id), .blob(sealing.seal(row, RowSealing.place(part: part, id: id)))]
    }

    private func rewrite(_ snapshot: Snapshot, in database: SQLiteDatabase) throws {
        try database.execute("DELETE FROM part_row")
        let putPart = try database.prepare("INSERT INTO part_row VALUES (?, ?, ?)")
        try blocks.removeAll(from: database)
        for part in snapshot.parts {
            let kind = type(of: part)
            try blocks.fill(kind.name, in: database) { add in
                try part.forEachRowAsAppended { id, row in
                    if kind.isAppended(id) { try add(id, row) } else { try putPart.run(values(kind.name, id, row)) }
                }
            }
        }
        try database.execute("DELETE FROM row")
        let put = try database.prepare("INSERT INTO row VALUES (?, ?, ?, ?)")
        for table in snapshot.tables {
            for entry in table.rows {
                try put.run(values(table.schema.name, entry.key, entry.value.version, entry.value.encoded))
            }
        }
        try sealing.removeOthers(in: database)
    }

    /// Takes over all rows of a plain database.
    func copy(from plain: SQLiteDatabase, format: Int) throws {
        let database = try open()
        try sealing.open(in: database)
        try sealing.begin(in: database)
        try database.transaction {
            let put = try database.prepare("INSERT INTO row VALUES (?, ?, ?, ?)")
            try plain.prepare("SELECT tbl, id, version, object FROM row").forEachRow { row in
                try put.run(values(row.text(0), row.text(1), UInt64(bitPattern: row.integer(2)), row.blob(3)))
            }
            if format > 1 {
                let put = try database.prepare("INSERT INTO part_row VALUES (?, ?, ?)")
                try plain.prepare("SELECT part, id, row FROM part_row").forEachRow { row in
                    try put.run(values(row.text(0), row.blob(1), row.blob(2)))
                }
            }
            let digest = format > 2 ? "rows_digest" : "NULL"
            try plain.prepare("SELECT log_index, term, revision, \(digest) FROM position").forEachRow { row in
                try writePosition(
                    index: UInt64(bitPattern: row.integer(0)), term: UInt64(bitPattern: row.integer(1)),
                    revision: UInt64(bitPattern: row.integer(2)),
                    digest: row.isNull(3) ? nil : UInt64(bitPattern: row.integer(3)), to: database)
            }
        }
    }

    func makeDurable() throws {
        do {
            // Synced on the way: first the WAL, then the file that it goes to.
            let isBusy = try open().prepare("PRAGMA wal_checkpoint(TRUNCATE)").firstRow { $0.integer(0) } ?? 1
            guard isBusy == 0 else { throw StoreError(.database, "\(path) is read by somebody else") }
        } catch let error as SQLiteError {
            throw StoreError(.database, "cannot sync the state in \(path)", cause: error)
        }
    }

    func close() { database = nil }

    private func open() throws -> SQLiteDatabase {
        guard let database else { throw StoreError(.database, "the state in \(path) is closed") }
        return database
    }
}

extension Store {
    /// Reads the state back from the database at `path`, or makes an empty one; its values are sealed with `keys`.
    public convenience init(path: String, keys: DataKeys, schema: Schema = .cluster) throws {
        try self.init(storage: try SQLiteStateStorage(path: path, keys: keys), schema: schema)
    }
}
