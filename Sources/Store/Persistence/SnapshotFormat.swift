internal import Platform

/// Where in the replicated log the state stands.
public struct LogPosition: Sendable, Hashable {
    public var index: UInt64
    public var term: UInt64

    public init(index: UInt64 = 0, term: UInt64 = 0) {
        self.index = index
        self.term = term
    }
}

/// The logical form of the state: `magic, version u32, revision u64, index u64, term u64, tables`, each table as
/// `name, rows u64, (id, version u64, object)…` in the order of names and ids; then the parts, each as
/// `name, (1 u8, id, row)…, 0 u8`; and the CRC32C of it all. Version 1 has no parts.
enum SnapshotFormat {
    static let magic: [UInt8] = Array("MRTLSNAP".utf8)
    static let version: UInt32 = 2
    private static let versionBeforeParts: UInt32 = 1

    static func encode(_ snapshot: Snapshot, at position: LogPosition) -> [UInt8] {
        var writer = ByteWriter()
        writer.raw(magic)
        writer.integer(version)
        writer.integer(snapshot.revision)
        writer.integer(position.index)
        writer.integer(position.term)
        writer.integer(UInt32(snapshot.tables.count))
        for table in snapshot.tables {
            writer.string(table.schema.name)
            writer.integer(UInt64(table.rows.count))
            for entry in table.rows {
                writer.string(entry.key)
                writer.integer(entry.value.version)
                writer.data(entry.value.encoded)
            }
        }
        writer.integer(UInt32(snapshot.parts.count))
        for part in snapshot.parts {
            writer.string(type(of: part).name)
            part.forEachRow { id, row in
                writer.integer(UInt8(1))
                writer.data(id)
                writer.data(row)
            }
            writer.integer(UInt8(0))
        }
        writer.integer(CRC32C.checksum(writer.bytes))
        return writer.bytes
    }

    static func decode(_ bytes: [UInt8], schema: Schema) throws -> (Snapshot, LogPosition) {
        guard bytes.count > magic.count + 4, Array(bytes.prefix(magic.count)) == magic else {
            throw StoreError(.malformed, "not a snapshot of the state")
        }
        let body = Array(bytes.dropLast(4))
        var tail = ByteReader(bytes.suffix(4))
        guard try tail.integer(UInt32.self) == CRC32C.checksum(body) else {
            throw StoreError(.malformed, "the snapshot's checksum does not match")
        }
        var reader = ByteReader(body[magic.count...])
        let version = try reader.integer(UInt32.self)
        guard version == Self.version || version == Self.versionBeforeParts else {
            throw StoreError(.unknownKind, "snapshot version \(version) is not known to this version")
        }
        var snapshot = Snapshot(schema: schema)
        snapshot.revision = try reader.integer()
        let position = LogPosition(index: try reader.integer(), term: try reader.integer())
        for _ in 0..<(try reader.integer(UInt32.self)) {
            let name = try reader.string()
            guard let index = schema.tableIndex(name) else {
                throw StoreError(.unknownKind, "table \(name) is not known to this version")
            }
            for _ in 0..<(try reader.integer(UInt64.self)) {
                let id = try reader.string()
                let version = try reader.integer(UInt64.self)
                let row = try schema.tables[index].decode(try reader.data(), version)
                guard row.id == id else { throw StoreError(.malformed, "\(name) \(id) holds the object \(row.id)") }
                snapshot.tables[index].put(row)
            }
        }
        if version > Self.versionBeforeParts { try readParts(&reader, into: &snapshot) }
        guard reader.isAtEnd else { throw StoreError(.malformed, "bytes after the last table") }
        return (snapshot, position)
    }

    private static func readParts(_ reader: inout ByteReader, into snapshot: inout Snapshot) throws {
        for _ in 0..<(try reader.integer(UInt32.self)) {
            let name = try reader.string()
            guard let index = snapshot.schema.partIndex(name) else {
                throw StoreError(.unknownKind, "part \(name) is not known to this version")
            }
            while try reader.integer(UInt8.self) == 1 {
                try snapshot.parts[index].load(id: try reader.data(), row: try reader.data())
            }
        }
    }

    /// A digest over the rows: two members at the same revision have the same, or one of them is wrong.
    static func hash(_ snapshot: Snapshot) -> String {
        var writer = ByteWriter()
        writer.integer(snapshot.revision)
        for table in snapshot.tables {
            writer.string(table.schema.name)
            for entry in table.rows {
                writer.string(entry.key)
                writer.integer(entry.value.version)
                writer.data(Digest.sha256(entry.value.encoded))
            }
        }
        for part in snapshot.parts {
            writer.string(type(of: part).name)
            part.forEachRow { id, row in
                writer.data(id)
                writer.data(Digest.sha256(row))
            }
        }
        return Digest.hex(Digest.sha256(writer.bytes))
    }
}
