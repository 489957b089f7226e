@testable import Raft

/// `stall 1`: its disk hangs: nothing becomes durable, no promise leaves.
enum Stall: Verb {
    static let word = "stall"

    static func act(_ words: inout Words, on stage: Stage) throws {
        stage.actors[try stage.position(of: try words.member())].unwritten = []
    }
}
