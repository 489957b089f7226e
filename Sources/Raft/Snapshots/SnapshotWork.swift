/// What is done about a snapshot beside everything else: by another thread, as it takes long where the state is large.
package protocol SnapshotWork: AnyObject, Sendable {
    var metadata: SnapshotMetadata { get }
    /// For the log.
    var purpose: String { get }

    /// Whether `run` would not have to wait for anything.
    var isReady: Bool { get }

    /// Does all of it. `RaftDriver.finished` is told afterwards.
    func run() throws
}

extension SnapshotWork {
    package var isReady: Bool { true }

    /// Does all of it; returns what it failed of.
    package func carryOut() -> RaftError? {
        do {
            try run()
            return nil
        } catch let error as RaftError {
            return error
        } catch { return SnapshotStore.failure(error, "cannot read the state of snapshot \(metadata.index)") }
    }
}
