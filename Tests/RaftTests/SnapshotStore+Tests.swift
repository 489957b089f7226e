import Testing

@testable import Raft

extension SnapshotMetadata {
    /// Of a group of one, in term 3.
    static func ofTest(_ index: LogIndex) -> SnapshotMetadata {
        SnapshotMetadata(
            index: index, term: 3, configuration: Configuration(voters: [Member(id: NodeID(1), address: "m1")]))
    }
}

extension SnapshotStore {
    /// Makes a snapshot of a state that comes in these pieces the newest.
    func write(_ index: LogIndex, _ pieces: [[UInt8]]) throws {
        let writer = try write(.ofTest(index))
        for piece in pieces { try writer.append(piece) }
        try writer.end()
        try finish(writer)
    }

    /// The state in the newest snapshot.
    func readAll() throws -> [UInt8] {
        let source = try #require(try read())
        var bytes: [UInt8] = []
        while true {
            let more = try source.read(upTo: 50_000)
            if more.isEmpty { return bytes }
            bytes += more
        }
    }

    /// Keeps the pieces, and checks what they make, as a driver and its threads do. True where it is the newest then.
    func receive(_ chunks: [Message.SnapshotChunk]) throws -> Bool {
        for chunk in chunks {
            guard case .whole(let file) = try keep(chunk) else { continue }
            let arrival = SnapshotArrival(chunk.metadata, file, for: RecordingStateMachine(), isForMending: false)
            try arrival.run()
            try finish(arrived: file, chunk.metadata)
            return true
        }
        return false
    }
}
