@testable import Raft

/// `lose appends from 1 to 2 3`: such messages are lost from now on.
enum Lose: Verb {
    static let word = "lose"

    static func act(_ words: inout Words, on stage: Stage) throws {
        stage.lost.append(try Rule(&words))
    }
}
