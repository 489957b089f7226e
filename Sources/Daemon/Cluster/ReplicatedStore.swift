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

    func apply(_ entries: [Entry]) throws -> [[UInt8]] {
        try entries.map { entry in
            try store.apply(
                index: entry.index, term: entry.term, command: entry.kind == .command ? entry.data : [])
        }
    }

    func snapshot() throws -> StateSnapshot {
        let (position, bytes) = store.snapshotBytes()
        return StateSnapshot(index: position.index, source: BytesSource(bytes))
    }

    func restore(from source: any ByteSource, index: LogIndex) throws {
        var bytes: [UInt8] = []
        while true {
            let piece = try source.read(upTo: Limits.readBytes)
            if piece.isEmpty { break }
            bytes += piece
        }
        try store.restore(bytes)
    }

    private enum Limits {
        static let readBytes = 1 << 20
    }

    /// Bytes that are all there.
    private final class BytesSource: ByteSource {
        private var rest: ArraySlice<UInt8>

        init(_ bytes: [UInt8]) { rest = bytes[...] }

        func read(upTo limit: Int) -> [UInt8] {
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
    private static func answer(_ error: RaftError) -> any Error {
        let outcome: String
        switch error.code {
        case .timedOut, .stopped: outcome = "whether the change was made is not known. Look, then try again."
        case .notLeader, .droppedByNewLeader: outcome = "the change was not made. Try again."
        case .overloaded, .diskFull: return HTTPError(.serviceUnavailable, "\(error)", cause: nil)
        default: return error
        }
        return HTTPError(
            .serviceUnavailable,
            "This manager lost the lead, or too few managers are online (\(error.message)): " + outcome, cause: nil)
    }
}
