@testable import Raft

/// `read 1 first`: a linearizable read, called so. `read 1 first by lease`: by the leader's lease, if it has one.
enum Read: Verb {
    static let word = "read"

    static func act(_ words: inout Words, on stage: Stage) throws {
        let id = try words.member()
        let token = UInt64(stage.readNames.count)
        stage.readNames.append(try words.take("a name"))
        let consistency: ReadConsistency = words.has("by") && words.has("lease") ? .lease : .quorum
        let now = stage.now
        try stage.act(id) { try $0.read(token: token, consistency, at: now) }
    }
}
