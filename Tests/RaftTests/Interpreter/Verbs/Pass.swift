@testable import Raft

/// `pass 300ms`: time passes for all who run; messages take none.
enum Pass: Verb {
    static let word = "pass"

    static func act(_ words: inout Words, on stage: Stage) throws {
        try stage.pass(milliseconds: try words.milliseconds())
    }
}
