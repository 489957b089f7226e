@testable import Raft

/// `read 1 first`: a linearizable read, called so.
enum Read: Verb {
    static let word = "read"

    static func act(_ words: inout Words, on stage: Stage) throws {
        let id = try words.member()
        let token = UInt64(stage.readNames.count)
        stage.readNames.append(try words.take("a name"))
        let now = stage.now
        try stage.act(id) { try $0.read(token: token, at: now) }
    }
}
