@testable import Raft

/// `pause 1`: it stands still; messages wait for it.
enum Pause: Verb {
    static let word = "pause"

    static func act(_ words: inout Words, on stage: Stage) throws {
        stage.actors[try stage.position(of: try words.member())].isPaused = true
    }
}
