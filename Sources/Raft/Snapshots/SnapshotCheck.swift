/// A snapshot of one's own is read once more, as a follower doubts it.
///
/// @unchecked: whoever is at it has it for himself, with a reader of its own.
package final class SnapshotCheck: SnapshotWork, @unchecked Sendable {
    package let metadata: SnapshotMetadata
    package var purpose: String { "checked a snapshot that a follower doubts" }
    private let file: SnapshotFile

    init(_ metadata: SnapshotMetadata, _ file: SnapshotFile) {
        self.metadata = metadata
        self.file = file
    }

    /// Throws `corrupted` where it does not check.
    package func run() throws {
        let reader = try SnapshotFileReader(file: file, name: "\(metadata.index)")
        guard reader.metadata == metadata else {
            throw RaftError(.corrupted, "snapshot \(metadata.index) says it is another")
        }
        try reader.verify()
    }
}
