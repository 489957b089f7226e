@testable import Raft

/// `hold answers from 2 to 1`: such messages wait until `release`.
enum Hold: Verb {
    static let word = "hold"

    static func act(_ words: inout Words, on stage: Stage) throws {
        stage.held.append(try Rule(&words))
    }
}
