/// A snapshot that is being written, piece by piece: between two pieces of other work, or as a whole by another thread.
///
/// @unchecked: whoever is at it has it for himself; the driver looks at nothing in it but the metadata until it is given back.
package final class SnapshotJob: SnapshotWork, @unchecked Sendable {
    package let metadata: SnapshotMetadata
    package var purpose: String { "wrote a snapshot" }
    let writer: SnapshotWriter
    private let source: any ByteSource

    init(_ writer: SnapshotWriter, _ source: any ByteSource) {
        metadata = writer.metadata
        self.writer = writer
        self.source = source
    }

    /// Writes the next piece. True once the file is whole and durable.
    func writePiece() throws -> Bool {
        let bytes = try source.read(upTo: SnapshotFormat.chunkBytes)
        if bytes.isEmpty { try writer.end() } else { try writer.append(bytes) }
        return bytes.isEmpty
    }

    package func run() throws { while try !writePiece() {} }
}
