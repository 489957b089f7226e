@testable import Raft

/// `isolate 3 4`: these reach each other and nobody else.
enum Isolate: Verb {
    static let word = "isolate"

    static func act(_ words: inout Words, on stage: Stage) throws {
        let inside = words.members()
        let outside = stage.actors.map(\.id).filter { !inside.contains($0) }
        stage.lost.append(Rule(kind: .everything, from: inside, to: outside))
        stage.lost.append(Rule(kind: .everything, from: outside, to: inside))
    }
}
