internal import Platform

/// A backup of version 1, behind its version:
///
///     cluster string, revision u64, index u64, term u64, created i64
///     records, each after its kind u8:
///       1 table   name string; what follows is its rows
///       2 row     id string, version u64, object
///       3 part    name string; the same
///       4 row     id, row, as the part writes them
///       0 end     rows u64
enum FormerBackup {
    static let version: UInt32 = 1

    private enum Kind: UInt8 {
        case end = 0
        case table = 1
        case row = 2
        case part = 3
        case partRow = 4
    }

    static func read(_ schema: Schema, from reader: inout PieceReader) throws -> Backup {
        let cluster = try reader.string(limit: BackupFormat.clusterLimit)
        let revision: UInt64 = try reader.integer()
        let position = LogPosition(index: try reader.integer(), term: try reader.integer())
        let header = BackupHeader(
            clusterID: cluster, revision: revision, position: position,
            createdAt: Timestamp(seconds: try reader.integer()))
        var decoder = SnapshotDecoder(schema: schema)
        decoder.begin(at: revision)
        var (table, part): (Int?, Int?)
        while true {
            let number: UInt8 = try reader.integer()
            switch Kind(rawValue: number) {
            case .table: (table, part) = (try decoder.table(named: try reader.string()), nil)
            case .part: (table, part) = (nil, try decoder.part(named: try reader.string()))
            case .row:
                guard let table else { throw StoreError(.malformed, "the backup has a row of no table") }
                try decoder.readRow(of: table, from: &reader)
            case .partRow:
                guard let part else { throw StoreError(.malformed, "the backup has a row of no part") }
                try decoder.readRow(ofPart: part, from: &reader)
            case .end:
                guard try reader.integer(UInt64.self) == decoder.rows else {
                    throw StoreError(.malformed, "the backup has \(decoder.rows) rows, and says that it has others")
                }
                return Backup(header: header, snapshot: decoder.snapshot, rows: decoder.rows)
            case nil:
                throw StoreError(.malformed, "a record of kind \(number) after \(decoder.rows) rows")
            }
        }
    }
}
