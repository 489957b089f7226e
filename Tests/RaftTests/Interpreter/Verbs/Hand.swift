@testable import Raft

/// `hand 1 to 2`: leader 1 hands leadership to 2; `hand 1` to whom it likes best.
enum Hand: Verb {
    static let word = "hand"

    static func act(_ words: inout Words, on stage: Stage) throws {
        let id = try words.member()
        let target = words.has("to") ? try words.member() : nil
        let now = stage.now
        try stage.act(id) { try $0.transferLeadership(to: target, at: now) }
    }
}
