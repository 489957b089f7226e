@testable import Raft

/// `deliver`: what is on its way arrives, and is told. `deliver 3`: three times, answers and their answers too.
enum Deliver: Verb {
    static let word = "deliver"

    static func act(_ words: inout Words, on stage: Stage) throws {
        let rounds = words.isEmpty ? 1 : try words.number("a number of rounds")
        for _ in 0..<rounds { stage.deliver(speaking: true) }
    }
}
