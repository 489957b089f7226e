internal import Platform

/// Puts a state together from its logical form.
struct SnapshotDecoder {
    private(set) var snapshot: Snapshot
    private(set) var rows: UInt64 = 0

    init(schema: Schema) { snapshot = Snapshot(schema: schema) }

    /// Reads all of it, and not what comes behind.
    ///
    /// Throws `StoreError` `.malformed` or `.unknownKind`, and what the reader throws.
    mutating func decode(from reader: inout PieceReader) throws -> StoredState {
        reader.beginChecksum()
        guard try reader.raw(SnapshotFormat.magic.count) == SnapshotFormat.magic else {
            throw StoreError(.malformed, "not a snapshot of the state")
        }
        let version = try reader.integer(UInt32.self)
        guard version == SnapshotFormat.version || version == SnapshotFormat.versionBeforeParts else {
            throw StoreError(.unknownKind, "snapshot version \(version) is not known to this version")
        }
        snapshot.revision = try reader.integer()
        let position = LogPosition(index: try reader.integer(), term: try reader.integer())
        for _ in 0..<(try reader.integer(UInt32.self)) {
            let table = try table(named: try reader.string())
            for _ in 0..<(try reader.integer(UInt64.self)) { try readRow(of: table, from: &reader) }
        }
        if version > SnapshotFormat.versionBeforeParts {
            for _ in 0..<(try reader.integer(UInt32.self)) {
                let index = try part(named: try reader.string())
                var part = snapshot.parts[index]
                snapshot.parts[index] = AbsentPart()
                while try reader.integer(UInt8.self) == 1 {
                    try part.load(id: try reader.data(), row: try reader.data())
                    rows += 1
                }
                snapshot.parts[index] = part
            }
        }
        let expected = reader.checksumSoFar
        guard try reader.integer(UInt32.self) == expected else {
            throw StoreError(.malformed, "the snapshot's checksum does not match")
        }
        return StoredState(snapshot, at: position)
    }

    mutating func readRow(of table: Int, from reader: inout PieceReader) throws {
        let id = try reader.string()
        let version: UInt64 = try reader.integer()
        let row = try snapshot.tables[table].schema.decode(try reader.data(), version)
        guard row.id == id, version <= snapshot.revision else {
            throw StoreError(
                .malformed,
                "\(snapshot.tables[table].schema.name) \(id) of revision \(version) holds the object \(row.id)")
        }
        snapshot.tables[table].put(row)
        rows += 1
    }

    mutating func readRow(ofPart index: Int, from reader: inout PieceReader) throws {
        try snapshot.parts[index].load(id: try reader.data(), row: try reader.data())
        rows += 1
    }

    func table(named name: String) throws -> Int {
        guard let index = snapshot.schema.tableIndex(name) else { throw Self.unknown("table", name) }
        return index
    }

    func part(named name: String) throws -> Int {
        guard let index = snapshot.schema.partIndex(name) else { throw Self.unknown("part", name) }
        return index
    }

    /// What a version does not know, it must not leave out.
    private static func unknown(_ what: String, _ name: String) -> StoreError {
        StoreError(.unknownKind, "there is a \(what) \(name.prefix(80)), which this version does not know")
    }

    /// For `FormerBackup`, whose header is not the snapshot's.
    mutating func begin(at revision: UInt64) { snapshot.revision = revision }
}
