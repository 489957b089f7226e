@testable import Raft

/// One member of a scenario: its core, and a disk that keeps what was written to it.
struct Actor {
    let id: NodeID
    var core: RaftCore?
    var isPaused = false

    /// What survives a crash.
    var hardState = HardState()
    var entries: [Entry] = []
    var snapshot: SnapshotMetadata
    var baseIndex: LogIndex = 0
    var baseTerm: Term = 0
    var appliedIndex: LogIndex = 0

    /// Writes that a disk that hangs has not done; nil while it does what it is told.
    var unwritten: [Effects]?
    /// Promises that wait behind such writes travel with them.
    var received: [UInt8] = []

    init(id: NodeID, founding: Configuration) {
        self.id = id
        snapshot = SnapshotMetadata(index: 0, term: 0, configuration: founding)
    }

    var restored: RaftCore.Restored {
        RaftCore.Restored(
            hardState: hardState, snapshot: snapshot, baseIndex: baseIndex, baseTerm: baseTerm, entries: entries,
            commitIndex: appliedIndex, appliedIndex: appliedIndex)
    }

    /// Writes what the effects want written.
    mutating func write(_ effects: Effects) {
        if let state = effects.hardState { hardState = state }
        if let metadata = effects.snapshotToInstall {
            snapshot = metadata
            (baseIndex, baseTerm, appliedIndex) = (metadata.index, metadata.term, metadata.index)
            entries = []
        }
        if let first = effects.entries.first {
            entries.removeAll { $0.index >= first.index }
            entries += effects.entries
        }
    }

    /// Drops from disk what the core has dropped from memory.
    mutating func compact() {
        guard let core, core.firstIndex > baseIndex + 1 else { return }
        baseTerm = core.log.baseTerm
        baseIndex = core.log.baseIndex
        entries.removeAll { $0.index <= baseIndex }
    }
}
