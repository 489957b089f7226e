import HTTP
import Platform
import Raft
import Store

/// The store as what Raft drives.
final class ReplicatedStore: StateMachine, Sendable {
    private let store: Store

    init(_ store: Store) { self.store = store }

    var appliedIndex: LogIndex { store.applied.index }

    var digest: UInt64? { store.digest }

    var durableIndex: LogIndex { store.durable.index }

    func apply(_ entries: [Entry]) throws -> [[UInt8]] {
        try store.apply(
            entries.map { entry in
                CommittedCommand(
                    position: LogPosition(index: entry.index, term: entry.term),
                    command: entry.kind == .command ? entry.data : [])
            })
    }

    func snapshot() throws -> StateSnapshot {
        let reader = store.snapshotReader()
        return StateSnapshot(index: reader.position.index, source: ReaderSource(reader))
    }

    func read(from source: any ByteSource, index: LogIndex) throws -> () -> Void {
        let state = try store.read { try source.read(upTo: Limits.readBytes) }
        guard state.position.index == index else {
            throw StoreError(.malformed, "the state of snapshot \(index) stands at entry \(state.position.index)")
        }
        return { [store] in store.install(state) }
    }

    private enum Limits {
        static let readBytes = 1 << 20
    }

    private final class ReaderSource: ByteSource {
        private var reader: SnapshotReader
        /// What is beyond the limit of the last read: a row may be longer.
        private var rest: ArraySlice<UInt8> = []

        init(_ reader: SnapshotReader) { self.reader = reader }

        func read(upTo limit: Int) -> [UInt8] {
            if rest.isEmpty { rest = reader.next(upTo: limit)[...] }
            let piece = rest.prefix(limit)
            rest = rest.dropFirst(limit)
            return Array(piece)
        }
    }
}

/// Commands go the way of Raft.
struct RaftProposer: Proposer {
    let node: RaftNode

    func propose(_ command: [UInt8]) async throws -> [UInt8] {
        do {
            return try await Phase.raft.measure { try await node.propose(command).bytes }
        } catch let error as RaftError {
            throw Self.answer(error)
        }
    }

    /// What users read: whether the change was made, and what to do.
    static func answer(_ error: RaftError) -> any Error {
        let outcome: String
        switch error.code {
        case .timedOut, .stopped: outcome = "whether the change was made is not known. Look, then try again."
        case .notLeader, .droppedByNewLeader: outcome = "the change was not made. Try again."
        case .overloaded: return HTTPError(.serviceUnavailable, "\(error)", cause: nil)
        case .diskFull:
            return HTTPError(
                .serviceUnavailable,
                "The disk of the manager that leads is full (\(error.message)): nothing was changed. Make space where its "
                    + "--data-dir is; it goes on by itself then. Reads and containers go on meanwhile.", cause: nil)
        default: return error
        }
        return HTTPError(
            .serviceUnavailable,
            "This manager lost the lead, or too few managers are online (\(error.message)): " + outcome, cause: nil)
    }
}
