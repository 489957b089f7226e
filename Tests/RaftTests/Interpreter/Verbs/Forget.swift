@testable import Raft

/// `forget 2`: it is told that its leader is gone, say by a closed connection.
enum Forget: Verb {
    static let word = "forget"

    static func act(_ words: inout Words, on stage: Stage) throws {
        let now = stage.now
        for id in words.members() { try stage.act(id) { $0.forgetLeader(at: now) } }
    }
}
