internal import Synchronization

/// A leader's snapshot of which all pieces are there: it is made durable, checked, and its state read beside the one in force.
/// What is held of it meanwhile is that state and one piece of the file.
///
/// @unchecked: whoever is at it has it for himself; the driver looks at nothing in it but what does not change until it is
/// given back.
package final class SnapshotArrival: SnapshotWork, @unchecked Sendable {
    package let metadata: SnapshotMetadata
    package var purpose: String { "read the leader's snapshot" }
    /// The member wants it because its own state differs.
    let isForMending: Bool
    let file: SnapshotFile
    /// Puts the state in force.
    private(set) var install: (() -> Void)?
    private let stateMachine: any StateMachine
    private let isGivenUp = Atomic(false)

    init(_ metadata: SnapshotMetadata, _ file: SnapshotFile, for stateMachine: any StateMachine, isForMending: Bool) {
        self.metadata = metadata
        self.file = file
        self.stateMachine = stateMachine
        self.isForMending = isForMending
    }

    /// Nobody waits for it any more: it ends soon.
    func giveUp() { isGivenUp.store(true, ordering: .relaxed) }

    package func run() throws {
        try file.sync()
        let reader = try SnapshotFileReader(file: file, name: "from the leader")
        guard reader.metadata == metadata else {
            throw RaftError(.corrupted, "the leader's snapshot \(metadata.index) says it is another")
        }
        let install = try stateMachine.read(from: Source(reader, self), index: metadata.index)
        try reader.verify()
        self.install = install
    }

    private final class Source: ByteSource {
        private let reader: SnapshotFileReader
        private let arrival: SnapshotArrival

        init(_ reader: SnapshotFileReader, _ arrival: SnapshotArrival) {
            self.reader = reader
            self.arrival = arrival
        }

        func read(upTo limit: Int) throws -> [UInt8] {
            if arrival.isGivenUp.load(ordering: .relaxed) {
                throw RaftError(.stopped, "snapshot \(arrival.metadata.index) is not needed any more")
            }
            return try reader.read(upTo: limit)
        }
    }
}
