@testable import Raft

/// `sync 1`: its disk does what it was asked, and hangs no more. `sync 1 2`: it does two writes, and still hangs.
enum Sync: Verb {
    static let word = "sync"

    static func act(_ words: inout Words, on stage: Stage) throws {
        let id = try words.member()
        try stage.sync(id, writes: words.isEmpty ? nil : Int(try words.number("a number of writes")))
    }
}
