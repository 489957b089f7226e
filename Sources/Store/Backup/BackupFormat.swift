internal import Model
public import Platform

/// What a backup says of itself before its rows.
public struct BackupHeader: Sendable, Equatable {
    public var clusterID: String
    public var revision: UInt64
    /// The last entry of the log that the rows contain.
    public var position: LogPosition
    public var createdAt: Timestamp

    public init(clusterID: String, revision: UInt64, position: LogPosition, createdAt: Timestamp) {
        self.clusterID = clusterID
        self.revision = revision
        self.position = position
        self.createdAt = createdAt
    }
}

/// How a backup looks.
///
///     magic 8, version u32
///     cluster string, revision u64, index u64, term u64, created i64 (seconds since 1970)
///     records, each after its kind u8:
///       1 table   name string; what follows is its rows
///       2 row     id string, version u64, object
///       3 part    name string; the same
///       4 row     id, row, as the part writes them
///       0 end     rows u64, SHA-256 of every byte before the digest
///
/// Integers are little endian; strings and byte strings come after their u32 length.
enum BackupFormat {
    static let magic = BackupFrame.magic
    static let version: UInt32 = 1
    /// The longest row that is believed.
    static let maximumFieldBytes = 64 << 20
    /// Rows go out in pieces of about this size.
    static let pieceBytes = 256 << 10

    enum Kind: UInt8 {
        case end = 0
        case table = 1
        case row = 2
        case part = 3
        case partRow = 4
    }
}

extension Snapshot {
    /// Gives out the whole state as a backup, piece by piece, in the order of its rows.
    ///
    /// - Returns: how many rows there are.
    @discardableResult
    public func writeBackup(
        _ header: BackupHeader, to sink: ([UInt8]) throws -> Void
    ) throws -> UInt64 {
        var output = BackupOutput()
        output.writer.raw(BackupFormat.magic)
        output.writer.integer(BackupFormat.version)
        output.writer.string(header.clusterID)
        output.writer.integer(header.revision)
        output.writer.integer(header.position.index)
        output.writer.integer(header.position.term)
        output.writer.integer(header.createdAt.seconds)
        for table in tables {
            output.begin(.table)
            output.writer.string(table.schema.name)
            for entry in table.rows {
                output.begin(.row)
                output.writer.string(entry.key)
                output.writer.integer(entry.value.version)
                output.writer.data(entry.value.encoded)
                try output.endRow(to: sink)
            }
        }
        for part in parts {
            output.begin(.part)
            output.writer.string(type(of: part).name)
            try part.forEachRow { id, row in
                output.begin(.partRow)
                output.writer.data(id)
                output.writer.data(row)
                try output.endRow(to: sink)
            }
        }
        return try output.finish(to: sink)
    }
}

/// Collects records to pieces, and hashes them on their way out.
private struct BackupOutput: ~Copyable {
    var writer = ByteWriter()
    private var rows: UInt64 = 0
    private var hasher = Digest.SHA256Hasher()

    mutating func begin(_ kind: BackupFormat.Kind) { writer.integer(kind.rawValue) }

    mutating func endRow(to sink: ([UInt8]) throws -> Void) throws {
        rows += 1
        if writer.bytes.count >= BackupFormat.pieceBytes { try flush(to: sink) }
    }

    private mutating func flush(to sink: ([UInt8]) throws -> Void) throws {
        hasher.update(writer.bytes)
        try sink(writer.bytes)
        writer = ByteWriter()
    }

    consuming func finish(to sink: ([UInt8]) throws -> Void) throws -> UInt64 {
        begin(.end)
        writer.integer(rows)
        try flush(to: sink)
        let rows = rows
        try sink(hasher.finish())
        return rows
    }
}
