internal import Platform

/// Puts a state together from its logical form, as its pieces come in.
struct SnapshotDecoder {
    private let schema: Schema
    private let nextPiece: () throws -> [UInt8]
    private var piece: [UInt8] = []
    private var position = 0
    /// Of all pieces before this one.
    private var checksum: UInt32 = 0

    init(schema: Schema, _ nextPiece: @escaping () throws -> [UInt8]) {
        self.schema = schema
        self.nextPiece = nextPiece
    }

    /// Throws `StoreError` `.malformed` or `.unknownKind`, and what the pieces' source throws.
    mutating func decode() throws -> (Snapshot, LogPosition) {
        guard try bytes(SnapshotFormat.magic.count) == SnapshotFormat.magic else {
            throw StoreError(.malformed, "not a snapshot of the state")
        }
        let version = try integer(UInt32.self)
        guard version == SnapshotFormat.version || version == SnapshotFormat.versionBeforeParts else {
            throw StoreError(.unknownKind, "snapshot version \(version) is not known to this version")
        }
        var snapshot = Snapshot(schema: schema)
        snapshot.revision = try integer()
        let position = LogPosition(index: try integer(), term: try integer())
        for _ in 0..<(try integer(UInt32.self)) { try readTable(into: &snapshot) }
        if version > SnapshotFormat.versionBeforeParts {
            for _ in 0..<(try integer(UInt32.self)) { try readPart(into: &snapshot) }
        }
        let expected = CRC32C.checksum(piece[..<self.position], seed: checksum)
        guard try integer(UInt32.self) == expected else {
            throw StoreError(.malformed, "the snapshot's checksum does not match")
        }
        guard try self.position == piece.count && nextPiece().isEmpty else {
            throw StoreError(.malformed, "bytes after the snapshot's end")
        }
        return (snapshot, position)
    }

    private mutating func readTable(into snapshot: inout Snapshot) throws {
        let name = try string()
        guard let index = schema.tableIndex(name) else {
            throw StoreError(.unknownKind, "table \(name.prefix(80)) is not known to this version")
        }
        for _ in 0..<(try integer(UInt64.self)) {
            let id = try string()
            let version = try integer(UInt64.self)
            let row = try schema.tables[index].decode(try data(), version)
            guard row.id == id else { throw StoreError(.malformed, "\(name) \(id) holds the object \(row.id)") }
            snapshot.tables[index].put(row)
        }
    }

    private mutating func readPart(into snapshot: inout Snapshot) throws {
        let name = try string()
        guard let index = schema.partIndex(name) else {
            throw StoreError(.unknownKind, "part \(name.prefix(80)) is not known to this version")
        }
        var part = snapshot.parts[index]
        snapshot.parts[index] = AbsentPart()
        while try integer(UInt8.self) == 1 { try part.load(id: try data(), row: try data()) }
        snapshot.parts[index] = part
    }

    // MARK: Bytes

    private mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) throws -> Value {
        let bytes = try bytes(MemoryLayout<Value>.size)
        return bytes.withUnsafeBytes { Value(littleEndian: $0.loadUnaligned(as: Value.self)) }
    }

    private mutating func data() throws -> [UInt8] {
        let count = Int(try integer(UInt32.self))
        guard count <= SnapshotFormat.rowLimit else {
            throw StoreError(.malformed, "a row of \(count) bytes in a snapshot")
        }
        return try bytes(count)
    }

    private mutating func string() throws -> String {
        guard let text = String(validating: try data(), as: UTF8.self) else {
            throw StoreError(.malformed, "a name in a snapshot that is not UTF-8")
        }
        return text
    }

    private mutating func bytes(_ count: Int) throws -> [UInt8] {
        if piece.count - position >= count {
            defer { position += count }
            return Array(piece[position..<position + count])
        }
        var collected = Array(piece[position...])
        while collected.count < count {
            checksum = CRC32C.checksum(piece, seed: checksum)
            piece = try nextPiece()
            position = 0
            guard !piece.isEmpty else { throw StoreError(.malformed, "the snapshot is cut short") }
            position = min(piece.count, count - collected.count)
            collected += piece[..<position]
        }
        return collected
    }
}
