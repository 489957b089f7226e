@testable import Raft

/// `campaign 1`: its patience with the leader ends, and nobody else's.
enum Campaign: Verb {
    static let word = "campaign"

    static func act(_ words: inout Words, on stage: Stage) throws {
        let id = try words.member()
        let now = stage.now
        try stage.act(id) { core in
            core.electionDeadline = now
            core.tick(at: now)
        }
    }
}
