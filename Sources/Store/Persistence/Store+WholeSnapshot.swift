/// Snapshots in one piece, for states that are small.
extension Store {
    package func snapshotBytes() -> (position: LogPosition, bytes: [UInt8]) {
        var reader = snapshotReader()
        var bytes: [UInt8] = []
        while true {
            let piece = reader.next(upTo: 64 << 10)
            if piece.isEmpty { return (reader.position, bytes) }
            bytes += piece
        }
    }

    @discardableResult
    package func restore(_ bytes: [UInt8]) throws -> LogPosition {
        var rest = bytes[...]
        return try restore {
            defer { rest = rest.dropFirst(64 << 10) }
            return Array(rest.prefix(64 << 10))
        }
    }
}
