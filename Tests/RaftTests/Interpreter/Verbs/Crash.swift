@testable import Raft

/// `crash 1`: it and all that is on its way to or from it is gone, but for what its disk has.
enum Crash: Verb {
    static let word = "crash"

    static func act(_ words: inout Words, on stage: Stage) throws {
        try stage.crash(try words.member())
    }
}
