internal import CSQLite

/// A value as SQLite stores it.
public enum SQLiteValue: Sendable, Hashable, ExpressibleByNilLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByStringLiteral
{
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])

    public init(nilLiteral: ()) { self = .null }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(stringLiteral value: String) { self = .text(value) }

    /// The bits of the number are kept: those above 2^63 are negative in SQL.
    public static func integer(_ value: UInt64) -> SQLiteValue { .integer(Int64(bitPattern: value)) }
    public static func integer(_ value: Int) -> SQLiteValue { .integer(Int64(value)) }
    /// NULL for nil.
    public static func text(_ value: String?) -> SQLiteValue { value.map { .text($0) } ?? .null }
}

/// A compiled statement: bind, step, read columns; then `reset` and again. Used by one thread at a time.
public final class SQLiteStatement {
    private let handle: OpaquePointer
    private let database: SQLiteDatabase
    private let sql: String

    init(_ handle: OpaquePointer, database: SQLiteDatabase, sql: String) {
        self.handle = handle
        self.database = database
        self.sql = sql
    }

    deinit { sqlite3_finalize(handle) }

    /// Sets a parameter, counted from 1.
    public func bind(_ index: Int, _ value: SQLiteValue) throws(SQLiteError) {
        let index = Int32(clamping: index)
        let result: Int32
        switch value {
        case .null: result = sqlite3_bind_null(handle, index)
        case .integer(let number): result = sqlite3_bind_int64(handle, index, number)
        case .real(let number): result = sqlite3_bind_double(handle, index, number)
        // An empty text may have no address, which SQLite would take for null.
        case .text(""): result = csqlite_bind_text(handle, index, "", 0)
        case .text(var text):
            result = text.withUTF8 { buffer in
                buffer.withMemoryRebound(to: CChar.self) {
                    csqlite_bind_text(handle, index, $0.baseAddress, Int32(clamping: $0.count))
                }
            }
        case .blob(let bytes):
            result =
                bytes.isEmpty
                ? sqlite3_bind_zeroblob(handle, index, 0)
                : csqlite_bind_blob(handle, index, bytes, Int32(clamping: bytes.count))
        }
        if result != SQLITE_OK { throw database.error(result, sql) }
    }

    /// Sets all parameters in their order.
    public func bind(_ values: [SQLiteValue]) throws(SQLiteError) {
        for (index, value) in values.enumerated() { try bind(index + 1, value) }
    }

    /// Goes to the next row; false after the last.
    public func step() throws(SQLiteError) -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code: throw database.error(code, sql)
        }
    }

    /// Makes the statement ready for another run and forgets its parameters.
    public func reset() {
        sqlite3_reset(handle)
        sqlite3_clear_bindings(handle)
    }

    /// Binds, runs to the end and resets.
    public func run(_ values: [SQLiteValue] = []) throws(SQLiteError) {
        defer { reset() }
        try bind(values)
        while try step() {}
    }

    /// Binds, gives each row to the body and resets. The row is the statement itself, positioned.
    public func forEachRow(_ values: [SQLiteValue] = [], _ body: (SQLiteStatement) throws -> Void) throws {
        defer { reset() }
        try bind(values)
        while try step() { try body(self) }
    }

    /// Binds, collects what the body makes of each row, and resets.
    public func rows<T>(_ values: [SQLiteValue] = [], _ body: (SQLiteStatement) throws -> T) throws -> [T] {
        var rows: [T] = []
        try forEachRow(values) { rows.append(try body($0)) }
        return rows
    }

    /// What the body makes of the first row; nil where there is none.
    public func firstRow<T>(_ values: [SQLiteValue] = [], _ body: (SQLiteStatement) -> T) throws(SQLiteError) -> T? {
        defer { reset() }
        try bind(values)
        return try step() ? body(self) : nil
    }

    // MARK: Columns of the current row, counted from 0

    public var columnCount: Int { Int(sqlite3_column_count(handle)) }

    /// Whether the current row has NULL there; columns count from 0.
    public func isNull(_ column: Int) -> Bool {
        sqlite3_column_type(handle, Int32(clamping: column)) == SQLITE_NULL
    }

    /// 0 for null.
    public func integer(_ column: Int) -> Int64 { sqlite3_column_int64(handle, Int32(clamping: column)) }

    /// The current row's number there, 0 for NULL; columns count from 0.
    public func real(_ column: Int) -> Double { sqlite3_column_double(handle, Int32(clamping: column)) }

    /// Empty for null; wrong UTF-8 is repaired.
    public func text(_ column: Int) -> String {
        let column = Int32(clamping: column)
        guard let text = sqlite3_column_text(handle, column) else { return "" }
        let count = Int(sqlite3_column_bytes(handle, column))
        return String(decoding: UnsafeBufferPointer(start: text, count: count), as: UTF8.self)
    }

    /// Empty for null.
    public func blob(_ column: Int) -> [UInt8] {
        let column = Int32(clamping: column)
        guard let bytes = sqlite3_column_blob(handle, column) else { return [] }
        let count = Int(sqlite3_column_bytes(handle, column))
        return [UInt8](UnsafeRawBufferPointer(start: bytes, count: count))
    }

    /// The value in the type in which it is stored.
    public func value(_ column: Int) -> SQLiteValue {
        switch sqlite3_column_type(handle, Int32(clamping: column)) {
        case SQLITE_INTEGER: .integer(integer(column))
        case SQLITE_FLOAT: .real(real(column))
        case SQLITE_TEXT: .text(text(column))
        case SQLITE_BLOB: .blob(blob(column))
        default: .null
        }
    }
}
