/// A leader's snapshot that is read beside the state in force while its pieces arrive, and made durable once all are there. What is
/// held of it meanwhile is its state and one piece of the file.
///
/// @unchecked: whoever is at it has what it reads for himself; the driver looks at nothing else until it is given back.
package final class SnapshotArrival: SnapshotWork, @unchecked Sendable {
    package let metadata: SnapshotMetadata
    package var purpose: String { "read the leader's snapshot" }
    /// The member wants it because its own state differs.
    let isForMending: Bool
    /// As the driver writes it.
    let file: SnapshotFile
    /// All pieces are there.
    var isWhole = false
    /// What came of reading it, where that ended before all of it was there.
    var endedEarly: RaftError?
    /// Puts the state in force.
    private(set) var install: (() -> Void)?
    private let reading: SnapshotFile
    private let stateMachine: any StateMachine

    init(_ metadata: SnapshotMetadata, _ file: SnapshotFile, for stateMachine: any StateMachine, isForMending: Bool) {
        self.metadata = metadata
        self.file = file
        self.stateMachine = stateMachine
        self.isForMending = isForMending
        reading = SnapshotFile(following: file)
    }

    package var isReady: Bool { reading.isSettled }

    /// Nobody waits for it any more: it ends soon.
    func giveUp() { file.giveUp() }

    package func run() throws {
        let reader = try SnapshotFileReader(file: reading, name: "from the leader")
        guard reader.metadata == metadata else {
            throw RaftError(.corrupted, "the leader's snapshot \(metadata.index) says it is another")
        }
        let install = try stateMachine.read(from: reader, index: metadata.index)
        try reader.verify()
        try reading.sync()
        self.install = install
    }
}
