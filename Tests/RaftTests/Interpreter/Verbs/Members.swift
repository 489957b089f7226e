@testable import Raft

/// `members 1 2 3 spare 4`: a group of three, followers of nobody; 4 runs beside it and is in nobody's configuration.
enum Members: Verb {
    static let word = "members"

    static func act(_ words: inout Words, on stage: Stage) throws {
        let ids = words.members()
        let spares = words.has("spare") ? words.members() : []
        let founding = Configuration(voters: ids.map { Member(id: $0, address: "m\($0)") })
        stage.actors = ids.map { Actor(id: $0, founding: founding) }
        stage.actors += spares.map { Actor(id: $0, founding: Configuration()) }
        stage.actors.sort { $0.id < $1.id }
        for position in stage.actors.indices { try stage.start(position) }
    }
}
