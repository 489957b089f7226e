internal import Platform

extension Message {
    /// Asks the leader for bytes of a snapshot, to put its state in the place of one that differs.
    public struct StateRequest: Equatable, Sendable {
        /// The state must not be older.
        public var appliedIndex: LogIndex
        /// The snapshot that is being received; nil for the newest.
        public var metadata: SnapshotMetadata?
        public var offset: UInt64
    }
}

extension Checkpoint {
    func encode(into writer: inout ByteWriter) {
        writer.integer(index)
        writer.integer(digest)
    }

    init(decodingFrom reader: inout ByteReader) throws(RaftError) {
        self.init(index: try reader.integer(), digest: try reader.integer())
    }
}

extension Message.StateRequest {
    func encode(into writer: inout ByteWriter) {
        writer.integer(appliedIndex)
        writer.integer(UInt8(metadata == nil ? 0 : 1))
        if let metadata {
            writer.integer(metadata.index)
            writer.integer(metadata.term)
            writer.data(metadata.configuration.encoded())
        }
        writer.integer(offset)
    }

    init(decodingFrom reader: inout ByteReader) throws(RaftError) {
        let appliedIndex: LogIndex = try reader.integer()
        var metadata: SnapshotMetadata?
        if try reader.readFlag() {
            metadata = SnapshotMetadata(
                index: try reader.integer(), term: try reader.integer(),
                configuration: try Configuration(decoding: try reader.data(limit: 1 << 20)))
        }
        self.init(appliedIndex: appliedIndex, metadata: metadata, offset: try reader.integer())
    }
}
