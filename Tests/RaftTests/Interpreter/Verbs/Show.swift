@testable import Raft

/// `show`: what everybody is and has. `show log 1`: its entries. `show followers 1`: what a leader knows of them.
enum Show: Verb {
    static let word = "show"

    static func act(_ words: inout Words, on stage: Stage) throws {
        if words.has("log") {
            let core = try core(try words.member(), stage)
            let entries = core.lastIndex < core.firstIndex ? [] : core.entries(core.firstIndex...core.lastIndex)
            stage.tell(Wording.entries(entries))
        } else if words.has("followers") {
            for follower in try core(try words.member(), stage).leadership?.followers ?? [] {
                stage.tell("\(follower.id) \(state(follower)), match \(follower.match), next \(follower.next)")
            }
        } else {
            for actor in stage.actors {
                guard let core = actor.core else {
                    stage.tell("\(actor.id) is down")
                    continue
                }
                let role = RoleChange(role: core.role, term: core.term, leader: core.leader)
                stage.tell(
                    "\(actor.id) \(Wording.role(role)), log \(core.firstIndex)...\(core.lastIndex), "
                        + "commit \(core.commitIndex), applied \(actor.appliedIndex)")
            }
        }
    }

    private static func core(_ id: NodeID, _ stage: Stage) throws -> RaftCore {
        guard let core = stage.actors[try stage.position(of: id)].core else { throw ScenarioError("\(id) is down") }
        return core
    }

    private static func state(_ progress: FollowerProgress) -> String {
        switch progress.state {
        case .probe(let sent): "is probed\(sent ? ", unanswered" : "")"
        case .replicate: "replicates, \(progress.inflight.count) in flight"
        case .snapshot(let transfer): "gets snapshot \(transfer.metadata.index), from byte \(transfer.offset)"
        }
    }
}
