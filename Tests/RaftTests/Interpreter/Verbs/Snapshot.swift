@testable import Raft

/// `snapshot 1`: a snapshot of all it has applied becomes durable, and its log is cut behind it.
enum Snapshot: Verb {
    static let word = "snapshot"

    static func act(_ words: inout Words, on stage: Stage) throws {
        let id = try words.member()
        let position = try stage.position(of: id)
        let applied = stage.actors[position].appliedIndex
        try stage.act(id) { core in
            guard let metadata = core.metadata(at: applied) else {
                throw ScenarioError("\(id) has no entry \(applied)")
            }
            core.snapshotBegun(nil)
            core.snapshotTaken(metadata)
            stage.tell("\(id) keeps snapshot \(applied)@\(metadata.term), its log begins at \(core.firstIndex)")
        }
        if let snapshot = stage.actors[position].core?.snapshot { stage.actors[position].snapshot = snapshot }
        stage.actors[position].compact()
    }
}
