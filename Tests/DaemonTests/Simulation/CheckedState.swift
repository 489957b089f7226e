import Raft
import Store

@testable import Daemon

/// A simulated member's state, as Raft drives it in `clusterd`; each step is held against what other members did.
final class CheckedState: StateMachine {
    let store: Store
    private let state: ReplicatedStore
    private unowned let simulation: StateSimulation

    init(_ store: Store, _ simulation: StateSimulation) {
        self.store = store
        state = ReplicatedStore(store)
        self.simulation = simulation
    }

    var appliedIndex: LogIndex { state.appliedIndex }
    var digest: UInt64? { state.digest }
    var durableIndex: LogIndex { state.durableIndex }

    /// In pieces of all sizes: what a batch does must not depend on what else is in it.
    func apply(_ entries: [Entry]) throws -> [[UInt8]] {
        var results: [[UInt8]] = []
        while results.count < entries.count {
            let rest = entries[results.count...]
            let piece = Array(rest.prefix(simulation.pieceSize(of: rest.count)))
            let answers = try state.apply(piece)
            simulation.applied(piece, answers, store.digest)
            results += answers
        }
        return results
    }

    func snapshot() throws -> StateSnapshot { try state.snapshot() }

    func read(from source: any ByteSource, index: LogIndex) throws -> () -> Void {
        let install = try state.read(from: source, index: index)
        return { [self] in
            install()
            simulation.restored(index, store.digest)
        }
    }
}
