internal import CSQLite

/// A failure of SQLite: its extended result code, its message and what was to be done.
public struct SQLiteError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The extended result code (SQLITE_BUSY is 5, SQLITE_FULL 13, SQLITE_CORRUPT 11 in the low byte).
    public let code: Int32
    public let message: String
    /// The statement or path.
    public let subject: String

    /// The disk, or a quota, is full.
    public var isFull: Bool { code & 0xff == SQLITE_FULL }
    /// Another connection holds a lock that was not released in time.
    public var isBusy: Bool { code & 0xff == SQLITE_BUSY }
    /// The file is not a sound database.
    public var isCorrupt: Bool { code & 0xff == SQLITE_CORRUPT || code & 0xff == SQLITE_NOTADB }

    public var description: String { "sqlite \(code): \(message): \(subject)" }
}

/// One connection to a SQLite database in WAL mode; used by one thread at a time (the type is not Sendable).
public final class SQLiteDatabase {
    /// What a commit waits for.
    public enum Synchronous: String, Sendable {
        /// After a power failure the last commits may be gone, never half of one.
        case normal = "NORMAL"
        /// A commit is durable when it returns.
        case full = "FULL"
    }

    /// The longest text or blob, where the caller names no other bound.
    public static let valueLimit = 64 << 20

    public let path: String
    let connection: OpaquePointer

    /// Opens or makes the database.
    /// - Parameters:
    ///   - path: the file, or `:memory:`.
    ///   - busyTimeout: how long to wait for another connection's lock.
    ///   - valueLimit: the longest text or blob in bytes, at most 1,000,000,000.
    ///   - pageSize: of a database that is made, in bytes, a power of two up to 65,536; nil leaves it to SQLite (4,096).
    public init(
        _ path: String, synchronous: Synchronous = .normal, isReadOnly: Bool = false,
        busyTimeout: Duration = .seconds(5), valueLimit: Int = SQLiteDatabase.valueLimit,
        pageSize: Int? = nil
    ) throws(SQLiteError) {
        self.path = path
        var handle: OpaquePointer?
        let flags =
            (isReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)
            | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        let result = sqlite3_open_v2(path, &handle, flags, nil)
        guard result == SQLITE_OK, let handle else {
            let message = handle.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(result))
            sqlite3_close_v2(handle)
            throw SQLiteError(code: result, message: message, subject: path)
        }
        connection = handle
        sqlite3_busy_timeout(handle, Int32(clamping: busyTimeout.nanoseconds / 1_000_000))
        sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, Int32(clamping: valueLimit))
        if !isReadOnly {
            if let pageSize { try execute("PRAGMA page_size = \(pageSize)") }
            try execute("PRAGMA journal_mode = WAL")
            try execute("PRAGMA synchronous = \(synchronous.rawValue)")
        }
        try execute("PRAGMA foreign_keys = ON")
    }

    deinit { sqlite3_close_v2(connection) }

    /// Runs one or several statements without results.
    public func execute(_ sql: String) throws(SQLiteError) {
        let result = sqlite3_exec(connection, sql, nil, nil, nil)
        if result != SQLITE_OK { throw error(result, sql) }
    }

    /// Compiles a statement, to be run many times.
    public func prepare(_ sql: String) throws(SQLiteError) -> SQLiteStatement {
        var handle: OpaquePointer?
        let result = sqlite3_prepare_v3(connection, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil)
        guard result == SQLITE_OK, let handle else { throw error(result, sql) }
        return SQLiteStatement(handle, database: self, sql: sql)
    }

    /// Runs the body in a transaction that takes the write lock at once; it is undone where the body throws.
    public func transaction<T>(_ body: () throws -> T) throws -> T {
        try execute("BEGIN IMMEDIATE")
        do {
            let value = try body()
            try execute("COMMIT")
            return value
        } catch {
            // A failure such as a full disk may have rolled back already.
            if sqlite3_get_autocommit(connection) == 0 { try? execute("ROLLBACK") }
            throw error
        }
    }

    /// Runs the body on one unchanging view of the database.
    public func readTransaction<T>(_ body: () throws -> T) throws -> T {
        try execute("BEGIN")
        defer { if sqlite3_get_autocommit(connection) == 0 { try? execute("ROLLBACK") } }
        return try body()
    }

    /// The rows that the last insert, update or delete has changed.
    public var changes: Int { Int(sqlite3_changes64(connection)) }
    /// The rowid of the last insert.
    public var lastInsertedRow: Int64 { sqlite3_last_insert_rowid(connection) }

    /// The schema version that the application keeps in the file (PRAGMA user_version).
    public func userVersion() throws(SQLiteError) -> Int {
        try prepare("PRAGMA user_version").firstRow { Int($0.integer(0)) } ?? 0
    }

    /// Sets the schema version; can be part of a transaction.
    public func setUserVersion(_ version: Int) throws(SQLiteError) {
        try execute("PRAGMA user_version = \(version)")
    }

    /// Moves the WAL into the file, as far as readers let it.
    public func checkpoint() throws(SQLiteError) {
        let result = sqlite3_wal_checkpoint_v2(connection, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
        if result != SQLITE_OK { throw error(result, "wal_checkpoint") }
    }

    func error(_ code: Int32, _ subject: String) -> SQLiteError {
        SQLiteError(code: code, message: String(cString: sqlite3_errmsg(connection)), subject: subject)
    }
}
