@testable import Raft

/// `propose 1 hello world`: two commands.
enum Propose: Verb {
    static let word = "propose"

    static func act(_ words: inout Words, on stage: Stage) throws {
        let id = try words.member()
        var payloads: [[UInt8]] = []
        while !words.isEmpty { payloads.append(Array(try words.take("a command").utf8)) }
        let now = stage.now
        try stage.act(id) { _ = try $0.propose(payloads, at: now) }
    }
}
