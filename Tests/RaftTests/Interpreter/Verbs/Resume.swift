@testable import Raft

/// `resume 1`: it goes on, and hears only now what was said meanwhile.
enum Resume: Verb {
    static let word = "resume"

    static func act(_ words: inout Words, on stage: Stage) throws {
        stage.actors[try stage.position(of: try words.member())].isPaused = false
        stage.release()
    }
}
