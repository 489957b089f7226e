@testable import Raft

/// `term 7`: all members start in this term.
enum StartingTerm: Verb {
    static let word = "term"

    static func act(_ words: inout Words, on stage: Stage) throws {
        let term = try words.number("a term")
        for position in stage.actors.indices {
            stage.actors[position].hardState = HardState(term: term)
            try stage.startLongAgo(position)
        }
    }
}
