@testable import Raft

/// `heal`: nothing is lost any more.
enum Heal: Verb {
    static let word = "heal"

    static func act(_ words: inout Words, on stage: Stage) throws {
        stage.lost = []
    }
}
