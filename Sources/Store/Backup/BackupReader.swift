internal import Platform

/// A backup that was read to its end and found whole.
public struct Backup: Sendable {
    public let header: BackupHeader
    public let snapshot: Snapshot
    public let rows: UInt64
}

/// Reads a backup that comes piece by piece. What it makes is not to be believed before `finish` has returned it.
///
/// Throws `StoreError` `.malformed` for what is no backup, or is damaged or cut short; `.unknownKind` for one of a newer
/// version.
public struct BackupReader: ~Copyable {
    private enum Stage {
        case header
        case records
        case digest
        case done
    }

    private var snapshot: Snapshot
    private var header: BackupHeader?
    private var stage = Stage.header
    private var buffer: [UInt8] = []
    private var hasher = Digest.SHA256Hasher()
    private var table: Int?
    private var part: Int?
    private var rows: UInt64 = 0
    private var digest: [UInt8] = []

    public init(schema: Schema) { snapshot = Snapshot(schema: schema) }

    /// Takes more bytes in.
    public mutating func feed(_ bytes: [UInt8]) throws {
        buffer += bytes
        var taken = 0
        while let count = try advance(buffer[taken...]) {
            if stage != .done { hasher.update(buffer[taken..<taken + count]) }
            taken += count
        }
        buffer.removeFirst(taken)
    }

    /// The whole, once every byte was fed.
    public consuming func finish() throws -> Backup {
        guard stage == .done, let header else {
            if header == nil { try checkMagic(buffer[...]) }
            throw StoreError(
                .malformed, "the backup is cut short after \(rows) rows: copy it again, or use another one")
        }
        guard buffer.isEmpty else { throw StoreError(.malformed, "the backup goes on behind its end") }
        let (rows, expected) = (rows, digest)
        var finished = snapshot
        finished.revision = header.revision
        guard hasher.finish() == expected else {
            throw StoreError(
                .malformed, "the backup is damaged: its digest does not match. Copy it again, or use another one")
        }
        for table in finished.tables {
            guard table.rows.allSatisfy({ $0.value.version <= header.revision }) else {
                throw StoreError(.malformed, "the backup's \(table.schema.name) rows are newer than its revision")
            }
        }
        return Backup(header: header, snapshot: finished, rows: rows)
    }

    /// Takes the next thing off the front; nil where it is not all there yet.
    private mutating func advance(_ bytes: ArraySlice<UInt8>) throws -> Int? {
        switch stage {
        case .header: try takeHeader(bytes)
        case .records: try takeRecord(bytes)
        case .digest: takeDigest(bytes)
        case .done: nil
        }
    }

    private func checkMagic(_ bytes: ArraySlice<UInt8>) throws {
        guard !bytes.isEmpty else { throw StoreError(.malformed, "the backup is empty") }
        guard zip(bytes, BackupFormat.magic).allSatisfy({ $0 == $1 }) else {
            throw StoreError(
                .malformed, "this is no backup of a cluster's state: 'clusterctl manager backup' makes one")
        }
    }

    private mutating func takeHeader(_ bytes: ArraySlice<UInt8>) throws -> Int? {
        if !bytes.isEmpty { try checkMagic(bytes) }
        var fields = Fields(bytes)
        guard fields.skip(BackupFormat.magic.count), let version = fields.integer(UInt32.self) else { return nil }
        guard version == BackupFormat.version else {
            throw StoreError(
                .unknownKind,
                "the backup is of format \(version), this version reads \(BackupFormat.version): restore it with the "
                    + "version of clusterd that made it, or a newer one")
        }
        guard let cluster = try fields.data(limit: 256), let revision = fields.integer(UInt64.self),
            let index = fields.integer(UInt64.self), let term = fields.integer(UInt64.self),
            let created = fields.integer(Int64.self)
        else { return nil }
        header = BackupHeader(
            clusterID: String(decoding: cluster, as: UTF8.self), revision: revision,
            position: LogPosition(index: index, term: term), createdAt: Timestamp(seconds: created))
        stage = .records
        return fields.count
    }

    private mutating func takeRecord(_ bytes: ArraySlice<UInt8>) throws -> Int? {
        var fields = Fields(bytes)
        guard let number = fields.integer(UInt8.self) else { return nil }
        switch BackupFormat.Kind(rawValue: number) {
        case .table:
            guard let name = try fields.data(limit: 256) else { return nil }
            let text = String(decoding: name, as: UTF8.self)
            guard let index = snapshot.schema.tableIndex(text) else { throw Self.unknown("table \(text)") }
            (table, part) = (index, nil)
        case .part:
            guard let name = try fields.data(limit: 256) else { return nil }
            let text = String(decoding: name, as: UTF8.self)
            guard let index = snapshot.schema.partIndex(text) else { throw Self.unknown("part \(text)") }
            (table, part) = (nil, index)
        case .row:
            guard let id = try fields.data(limit: 4096), let version = fields.integer(UInt64.self),
                let object = try fields.data(limit: BackupFormat.maximumFieldBytes)
            else { return nil }
            guard let table else { throw StoreError(.malformed, "the backup has a row of no table") }
            let row: any AnyRow
            do { row = try snapshot.tables[table].schema.decode(Array(object), version) } catch {
                throw Self.damaged(error)
            }
            guard row.id.utf8.elementsEqual(id) else {
                throw StoreError(.malformed, "the backup is damaged: it has \(row.id) under another's id")
            }
            snapshot.tables[table].put(row)
            rows += 1
        case .partRow:
            guard let id = try fields.data(limit: BackupFormat.maximumFieldBytes),
                let row = try fields.data(limit: BackupFormat.maximumFieldBytes)
            else { return nil }
            guard let part else { throw StoreError(.malformed, "the backup has a row of no part") }
            do { try snapshot.parts[part].load(id: Array(id), row: Array(row)) } catch {
                throw Self.damaged(error)
            }
            rows += 1
        case .end:
            guard let count = fields.integer(UInt64.self) else { return nil }
            guard count == rows else { throw StoreError(.malformed, "the backup has \(rows) of \(count) rows") }
            stage = .digest
        case nil:
            throw StoreError(.malformed, "the backup is damaged: a record of kind \(number) after \(rows) rows")
        }
        return fields.count
    }

    private mutating func takeDigest(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.count >= Digest.length else { return nil }
        digest = Array(bytes.prefix(Digest.length))
        stage = .done
        return Digest.length
    }

    private static func damaged(_ error: any Error) -> StoreError {
        StoreError(.malformed, "the backup is damaged", cause: error)
    }

    private static func unknown(_ what: String) -> StoreError {
        StoreError(
            .unknownKind, "the backup has a \(what), which this version does not know: restore it with a newer one")
    }
}

/// Reads fields from the front, and says by nil that they are not all there.
private struct Fields {
    private let bytes: ArraySlice<UInt8>
    private(set) var count = 0

    init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }

    private var rest: Int { bytes.count - count }

    mutating func skip(_ length: Int) -> Bool {
        guard rest >= length else { return false }
        count += length
        return true
    }

    mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type) -> Value? {
        let width = MemoryLayout<Value>.size
        guard rest >= width else { return nil }
        var value: Value = 0
        let start = bytes.startIndex + count
        withUnsafeMutableBytes(of: &value) { $0.copyBytes(from: bytes[start..<start + width]) }
        count += width
        return Value(littleEndian: value)
    }

    /// - Throws: `StoreError` `.malformed` for a length that no such field has.
    mutating func data(limit: Int) throws -> ArraySlice<UInt8>? {
        let before = count
        guard let length = integer(UInt32.self) else { return nil }
        guard Int(length) <= limit else {
            throw StoreError(.malformed, "the backup is damaged: a field of \(length) bytes")
        }
        let start = bytes.startIndex + count
        guard skip(Int(length)) else {
            count = before
            return nil
        }
        return bytes[start..<start + Int(length)]
    }
}
