@testable import Raft

/// `remove 1 3`: leader 1 takes 3 out of the group.
enum Remove: Verb {
    static let word = "remove"

    static func act(_ words: inout Words, on stage: Stage) throws {
        let id = try words.member()
        let removed = try words.member()
        let now = stage.now
        try stage.act(id) { _ = try $0.propose(.remove(removed), at: now) }
    }
}
