@testable import Raft

/// `restart 1`: it comes back with what its disk has.
enum Restart: Verb {
    static let word = "restart"

    static func act(_ words: inout Words, on stage: Stage) throws {
        try stage.start(try stage.position(of: try words.member()))
    }
}
