@testable import Raft

/// `release`: what was held is on its way again, and nothing is held any more.
enum Release: Verb {
    static let word = "release"

    static func act(_ words: inout Words, on stage: Stage) throws {
        stage.held = []
        stage.release()
    }
}
