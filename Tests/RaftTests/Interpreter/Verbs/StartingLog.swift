@testable import Raft

/// `log 1 2 of 1 1 2 applied 2`: members 1 and 2 start with entries of these terms, two of them applied.
enum StartingLog: Verb {
    static let word = "log"

    static func act(_ words: inout Words, on stage: Stage) throws {
        let ids = words.members()
        guard words.has("of") else { throw ScenarioError("a log looks like 'log 1 2 of 1 1 2'") }
        let terms = words.numbers()
        let applied = words.has("applied") ? try words.number("an index") : 0
        let entries = terms.enumerated().map { offset, term in
            Entry(index: UInt64(offset) + 1, term: term, kind: .command, data: Array("t\(term)".utf8))
        }
        for id in ids {
            let position = try stage.position(of: id)
            stage.actors[position].entries = entries
            stage.actors[position].hardState.term = max(stage.actors[position].hardState.term, terms.last ?? 0)
            stage.actors[position].appliedIndex = applied
            try stage.startLongAgo(position)
        }
    }
}
