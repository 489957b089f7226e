internal import Platform

/// A state, and where in the log it stands.
public struct StoredState: Sendable {
    public internal(set) var snapshot: Snapshot
    public internal(set) var position: LogPosition

    public init(_ snapshot: Snapshot, at position: LogPosition) {
        self.snapshot = snapshot
        self.position = position
    }
}

/// The whole state, out and in.
extension Store {
    /// The whole state in its logical form, to be read piece by piece while it changes.
    public func snapshotReader() -> SnapshotReader {
        let (snapshot, position) = standing
        return SnapshotReader(snapshot, at: position)
    }

    /// Reads what `snapshotReader` gave on some member, beside the state in force; on any thread.
    ///
    /// Throws `StoreError` `.malformed` or `.unknownKind`, and what `next` throws.
    /// - Parameter next: the next piece of it; an empty one at the end.
    public func read(from next: @escaping () throws -> [UInt8]) throws -> StoredState {
        var reader = PieceReader("the snapshot", next)
        var decoder = SnapshotDecoder(schema: schema)
        let state = try decoder.decode(from: &reader)
        try reader.expectEnd()
        return state
    }

    /// Replaces everything; see `install`. Durable on return.
    public func replace(by snapshot: Snapshot, at position: LogPosition) throws {
        install(StoredState(snapshot, at: position))
        try flush()
    }
}

/// In one piece, for states that are small.
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
        let state = try read {
            defer { rest = rest.dropFirst(64 << 10) }
            return Array(rest.prefix(64 << 10))
        }
        try replace(by: state.snapshot, at: state.position)
        return state.position
    }
}
