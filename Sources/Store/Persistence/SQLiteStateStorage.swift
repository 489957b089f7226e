internal import Platform

/// The state as rows of a SQLite database, with the position in the log that they are at.
///
/// `@unchecked`: the connection belongs to one thread at a time, which `Store` sees to (its writer's queue; before that,
/// the thread that opens it).
final class SQLiteStateStorage: StateStorage, @unchecked Sendable {
    /// The layout of the tables; another one is refused.
    static let format = 3
    /// Earlier ones, which are read and written as the present one: 1 had no rows of parts, 2 no digest of the rows.
    static let earlierFormats = 1...2

    private var database: SQLiteDatabase?
    private let path: String

    init(path: String) throws {
        self.path = path
        do {
            // Rows come and go in order, many at a time: larger pages are fewer to write.
            let database = try SQLiteDatabase(path, pageSize: 8 << 10)
            // Moved to the file in small portions: what syncs a lot at once holds up the log on the same disk.
            try database.execute("PRAGMA wal_autocheckpoint = 256")
            let found = try database.userVersion()
            guard found == 0 || found == Self.format || Self.earlierFormats.contains(found) else {
                throw StoreError(
                    .database,
                    "\(path) has format \(found), which this version does not know; use the one that wrote it")
            }
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
                        revision INTEGER NOT NULL, rows_digest INTEGER);
                    """)
                if Self.earlierFormats.contains(found) {
                    try database.execute("ALTER TABLE position ADD COLUMN rows_digest INTEGER")
                }
                try database.setUserVersion(Self.format)
            }
            self.database = database
        } catch let error as SQLiteError {
            throw StoreError(.database, "cannot open the state in \(path)", cause: error)
        }
    }

    func load(schema: Schema) throws -> (Snapshot, LogPosition) {
        let database = try open()
        var snapshot = Snapshot(schema: schema)
        let found = try database.prepare(
            "SELECT log_index, term, revision, rows_digest IS NOT NULL, rows_digest FROM position"
        ).rows { row in
            (row.integer(0), row.integer(1), row.integer(2), row.integer(3) == 1 ? row.integer(4) : nil)
        }
        guard let (index, term, revision, digest) = found.first else { return (snapshot, LogPosition()) }
        snapshot.revision = UInt64(bitPattern: revision)
        try database.prepare("SELECT tbl, id, version, object FROM row ORDER BY tbl, id").forEachRow { row in
            let (table, id) = (row.text(0), row.text(1))
            guard let position = schema.tableIndex(table) else {
                throw StoreError(.unknownKind, "table \(table) in \(path) is not known to this version")
            }
            let decoded = try schema.tables[position].decode(row.blob(3), UInt64(bitPattern: row.integer(2)))
            guard decoded.id == id else {
                throw StoreError(.malformed, "\(table) \(id) holds the object \(decoded.id)")
            }
            snapshot.tables[position].put(decoded)
        }
        try database.prepare("SELECT part, id, row FROM part_row ORDER BY part, id").forEachRow { row in
            guard let position = schema.partIndex(row.text(0)) else {
                throw StoreError(.unknownKind, "part \(row.text(0)) in \(path) is not known to this version")
            }
            try snapshot.parts[position].load(id: row.blob(1), row: row.blob(2))
        }
        guard digest.map({ UInt64(bitPattern: $0) == snapshot.digest }) ?? true else {
            throw StoreError(.damaged, "the rows in \(path) are not those that were written there")
        }
        return (snapshot, LogPosition(index: UInt64(bitPattern: index), term: UInt64(bitPattern: term)))
    }

    func write(_ changes: StateChanges) throws {
        let database = try open()
        do {
            try database.transaction {
                if let whole = changes.whole {
                    try rewrite(whole, in: database)
                } else {
                    try write(changes.rows, to: database)
                    try write(changes.rowWrites, to: database)
                }
                try database.prepare("INSERT OR REPLACE INTO position VALUES (1, ?, ?, ?, ?)").run([
                    .integer(changes.position.index), .integer(changes.position.term), .integer(changes.revision),
                    .integer(changes.digest),
                ])
            }
        } catch let error as SQLiteError {
            throw StoreError(.database, "cannot write the state to \(path)", cause: error)
        }
    }

    private func write(_ rows: [(key: Store.RowKey, row: (any AnyRow)?)], to database: SQLiteDatabase) throws {
        guard !rows.isEmpty else { return }
        let remove = try database.prepare("DELETE FROM row WHERE tbl = ? AND id = ?")
        let put = try database.prepare("INSERT OR REPLACE INTO row VALUES (?, ?, ?, ?)")
        for (key, row) in rows {
            if let row {
                try put.run([.text(key.table), .text(key.id), .integer(row.version), .blob(row.encoded)])
            } else {
                try remove.run([.text(key.table), .text(key.id)])
            }
        }
    }

    private func write(_ writes: [RowWrite], to database: SQLiteDatabase) throws {
        guard !writes.isEmpty else { return }
        let remove = try database.prepare("DELETE FROM part_row WHERE part = ? AND id = ?")
        let put = try database.prepare("INSERT OR REPLACE INTO part_row VALUES (?, ?, ?)")
        for write in writes {
            if let row = write.row {
                try put.run([.text(write.part), .blob(write.id), .blob(row)])
            } else {
                try remove.run([.text(write.part), .blob(write.id)])
            }
        }
    }

    private func rewrite(_ snapshot: Snapshot, in database: SQLiteDatabase) throws {
        try database.execute("DELETE FROM part_row")
        let putPart = try database.prepare("INSERT INTO part_row VALUES (?, ?, ?)")
        for part in snapshot.parts {
            try part.forEachRow { id, row in try putPart.run([.text(type(of: part).name), .blob(id), .blob(row)]) }
        }
        try database.execute("DELETE FROM row")
        let put = try database.prepare("INSERT INTO row VALUES (?, ?, ?, ?)")
        for table in snapshot.tables {
            for entry in table.rows {
                try put.run([
                    .text(table.schema.name), .text(entry.key), .integer(entry.value.version),
                    .blob(entry.value.encoded),
                ])
            }
        }
    }

    func close() { database = nil }

    private func open() throws -> SQLiteDatabase {
        guard let database else { throw StoreError(.database, "the state in \(path) is closed") }
        return database
    }
}

extension Store {
    /// Reads the state back from the database at `path`, or makes an empty one.
    public convenience init(path: String, schema: Schema = .cluster) throws {
        try self.init(storage: try SQLiteStateStorage(path: path), schema: schema)
    }
}
