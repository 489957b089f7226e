@testable import Raft

/// `snapshotting 1`: it begins to write a snapshot of all it has applied. `snapshot 1` ends it.
enum Snapshotting: Verb {
    static let word = "snapshotting"

    static func act(_ words: inout Words, on stage: Stage) throws {
        let id = try words.member()
        let applied = stage.actors[try stage.position(of: id)].appliedIndex
        try stage.act(id) { $0.snapshotBegun(applied) }
    }
}
