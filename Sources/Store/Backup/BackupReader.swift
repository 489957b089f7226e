internal import Model
internal import Platform

/// A backup that was read to its end and found whole.
public struct Backup: Sendable {
    public let header: BackupHeader
    public let snapshot: Snapshot
    public let rows: UInt64
}

/// Reads a backup that comes piece by piece.
public enum BackupReader {
    /// Takes all of it, which may block as `next` does.
    ///
    /// Throws what `next` throws, and `StoreError`: `.malformed` for what is no backup, or is damaged or cut short;
    /// `.unknownKind` for one of a newer version.
    /// - Parameter next: the next piece; an empty one at the end.
    public static func read(_ schema: Schema, from next: @escaping () throws -> [UInt8]) throws -> Backup {
        let source = CheckedPieces(next)
        var reader = PieceReader("the backup") { try source.next() }
        let magic: [UInt8]
        do { magic = try reader.raw(BackupFormat.magic.count) } catch let error as StoreError {
            // Shorter than a digest it is no backup, whatever it begins with.
            throw source.hasMagic ? error : noBackup(isEmpty: source.isEmpty)
        }
        guard magic == BackupFormat.magic else { throw noBackup(isEmpty: false) }
        let version = try reader.integer(UInt32.self)
        let backup: Backup
        do {
            switch version {
            case FormerBackup.version: backup = try FormerBackup.read(schema, from: &reader)
            case BackupFormat.version: backup = try readBody(schema, from: &reader)
            default:
                throw StoreError(
                    .unknownKind,
                    "it is of format \(version), this version reads \(FormerBackup.version) and \(BackupFormat.version)"
                )
            }
            try reader.expectEnd()
        } catch let error as StoreError where error.code == .unknownKind {
            // A bit that flipped may read like something new. Another format may have its digest elsewhere.
            let isOurs = version == FormerBackup.version || version == BackupFormat.version
            guard try !isOurs || source.isWholeAtItsEnd() else { throw damaged }
            throw StoreError(
                .unknownKind,
                "the backup is a newer version's: restore it with the clusterd that made it, or a newer one",
                cause: error)
        } catch let error as StoreError {
            throw StoreError(
                .malformed, "the backup is damaged or cut short: copy it again, or use another one", cause: error)
        }
        guard source.isWhole() else { throw damaged }
        return backup
    }

    private static let damaged = StoreError(
        .malformed, "the backup is damaged: its digest does not match. Copy it again, or use another one")

    private static func readBody(_ schema: Schema, from reader: inout PieceReader) throws -> Backup {
        let cluster = try reader.string(limit: BackupFormat.clusterLimit)
        let created = Timestamp(seconds: try reader.integer())
        var decoder = SnapshotDecoder(schema: schema)
        let state = try decoder.decode(from: &reader)
        return Backup(
            header: BackupHeader(
                clusterID: cluster, revision: state.snapshot.revision, position: state.position, createdAt: created),
            snapshot: state.snapshot, rows: decoder.rows)
    }

    private static func noBackup(isEmpty: Bool) -> StoreError {
        StoreError(
            .malformed,
            isEmpty
                ? "the backup is empty"
                : "this is no backup of a cluster's state: 'clusterctl manager backup' makes one")
    }

    /// What is in a frame, and whether the digest at its end is that of it.
    private final class CheckedPieces {
        private let source: () throws -> [UInt8]
        private var check = BackupCheck()

        init(_ source: @escaping () throws -> [UInt8]) { self.source = source }

        var isEmpty: Bool { check.size == 0 }

        var hasMagic: Bool { check.hasMagic }

        func next() throws -> [UInt8] {
            while true {
                let piece = try source()
                if piece.isEmpty { return [] }
                let content = check.take(piece)
                if !content.isEmpty { return content }
            }
        }

        func isWhole() -> Bool { check.isWhole() }

        /// The same, whatever is left being read first.
        func isWholeAtItsEnd() throws -> Bool {
            while case let piece = try source(), !piece.isEmpty { check.take(piece) }
            return check.isWhole()
        }
    }
}
