internal import Model
public import Platform

/// What a backup says of itself.
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
///     cluster string, created i64 (seconds since 1970)
///     the snapshot, as `SnapshotFormat` says
///     SHA-256 of every byte before it
///
/// Integers are little endian; strings come after their u32 length. `FormerBackup` is how version 1 looked.
enum BackupFormat {
    static let magic = BackupFrame.magic
    static let version: UInt32 = 2
    static let clusterLimit = 256
    /// Rows go out in pieces of about this size.
    static let pieceBytes = 256 << 10
}

extension StoredState {
    /// Gives out the whole state as a backup, piece by piece.
    public func writeBackup(
        of clusterID: String, createdAt: Timestamp, to sink: ([UInt8]) throws -> Void
    ) throws {
        var head = ByteWriter()
        head.raw(BackupFormat.magic)
        head.integer(BackupFormat.version)
        head.string(clusterID)
        head.integer(createdAt.seconds)
        var hasher = Digest.SHA256Hasher()
        var reader = SnapshotReader(snapshot, at: position)
        var piece = head.bytes
        while !piece.isEmpty {
            hasher.update(piece)
            try sink(piece)
            piece = reader.next(upTo: BackupFormat.pieceBytes)
        }
        try sink(hasher.finish())
    }
}
