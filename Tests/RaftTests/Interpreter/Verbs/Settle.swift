@testable import Raft

/// `settle`: everything arrives until nothing moves; only what changes is told. `settle aloud` tells messages too.
enum Settle: Verb {
    static let word = "settle"

    static func act(_ words: inout Words, on stage: Stage) throws {
        try stage.settle(speaking: words.has("aloud"))
    }
}
