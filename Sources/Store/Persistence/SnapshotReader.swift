internal import Platform

/// Gives out a state that holds still in its logical form, piece by piece: no more than a piece of it is in memory twice.
public struct SnapshotReader: Sendable {
    private enum Place {
        case head
        /// The table, and the id of the last row that was given out.
        case table(Int, after: String?)
        case part(Int, after: [UInt8]?)
        case tail
        case end
    }

    /// Where in the log the state stands.
    public let position: LogPosition
    private let snapshot: Snapshot
    private var place = Place.head
    private var checksum: UInt32 = 0

    init(_ snapshot: Snapshot, at position: LogPosition) {
        self.snapshot = snapshot
        self.position = position
    }

    /// The next piece: a row more than `limit` bytes at most; empty at the end.
    public mutating func next(upTo limit: Int) -> [UInt8] {
        var writer = ByteWriter(reserving: limit + limit / 8)
        while writer.bytes.count < limit {
            switch place {
            case .head: writeHead(&writer)
            case .table(let index, let last): writeTable(index, after: last, &writer, limit)
            case .part(let index, let last): writePart(index, after: last, &writer, limit)
            case .tail:
                writer.integer(CRC32C.checksum(writer.bytes, seed: checksum))
                place = .end
                return writer.bytes
            case .end: return []
            }
        }
        checksum = CRC32C.checksum(writer.bytes, seed: checksum)
        return writer.bytes
    }

    private mutating func writeHead(_ writer: inout ByteWriter) {
        writer.raw(SnapshotFormat.magic)
        writer.integer(SnapshotFormat.version)
        writer.integer(snapshot.revision)
        writer.integer(position.index)
        writer.integer(position.term)
        writer.integer(UInt32(snapshot.tables.count))
        place = .table(0, after: nil)
    }

    private mutating func writeTable(_ index: Int, after last: String?, _ writer: inout ByteWriter, _ limit: Int) {
        guard index < snapshot.tables.count else {
            writer.integer(UInt32(snapshot.parts.count))
            place = .part(0, after: nil)
            return
        }
        let table = snapshot.tables[index]
        if last == nil {
            writer.string(table.schema.name)
            writer.integer(UInt64(table.rows.count))
        }
        for entry in table.rows.entries(from: last ?? "") where entry.key != last {
            writer.string(entry.key)
            writer.integer(entry.value.version)
            writer.data(entry.value.encoded)
            guard writer.bytes.count < limit else {
                place = .table(index, after: entry.key)
                return
            }
        }
        place = .table(index + 1, after: nil)
    }

    private mutating func writePart(_ index: Int, after last: [UInt8]?, _ writer: inout ByteWriter, _ limit: Int) {
        guard index < snapshot.parts.count else {
            place = .tail
            return
        }
        let part = snapshot.parts[index]
        if last == nil { writer.string(type(of: part).name) }
        let stopped = part.rows(after: last) { id, row in
            writer.integer(UInt8(1))
            writer.data(id)
            writer.data(row)
            return writer.bytes.count < limit
        }
        if let stopped {
            place = .part(index, after: stopped)
        } else {
            writer.integer(UInt8(0))
            place = .part(index + 1, after: nil)
        }
    }
}
