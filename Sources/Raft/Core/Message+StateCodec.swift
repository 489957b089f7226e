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
        writer.write(index)
        writer.write(digest)
    }

    init(decodingFrom reader: inout ByteReader) throws(RaftError) {
        self.init(index: try reader.read(), digest: try reader.read())
    }
}

extension Message.StateRequest {
    func encode(into writer: inout ByteWriter) {
        writer.write(appliedIndex)
        writer.write(UInt8(metadata == nil ? 0 : 1))
        if let metadata {
            writer.write(metadata.index)
            writer.write(metadata.term)
            writer.write(prefixed: metadata.configuration.encoded())
        }
        writer.write(offset)
    }

    init(decodingFrom reader: inout ByteReader) throws(RaftError) {
        let appliedIndex: LogIndex = try reader.read()
        var metadata: SnapshotMetadata?
        if try reader.readFlag() {
            metadata = SnapshotMetadata(
                index: try reader.read(), term: try reader.read(),
                configuration: try Configuration(decoding: try reader.readPrefixed(limit: 1 << 20)))
        }
        self.init(appliedIndex: appliedIndex, metadata: metadata, offset: try reader.read())
    }
}
