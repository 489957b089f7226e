@testable import Raft

/// `change 1 add 4`: leader 1 makes 4 a voter; `change 1 learner 4`, `change 1 remove 4`. `change 1 jointly add 4 5 remove 2`:
/// through a joint configuration that ends by itself; `jointly until-told` waits for `change 1 leave`.
enum Change: Verb {
    static let word = "change"

    static func act(_ words: inout Words, on stage: Stage) throws {
        let id = try words.member()
        let change = try change(&words)
        let now = stage.now
        try stage.act(id) { _ = try $0.propose(change, at: now) }
    }

    private static func change(_ words: inout Words) throws(ScenarioError) -> MembershipChange {
        if words.has("leave") { return .leave }
        if words.has("add") { return .add(member(try words.member())) }
        if words.has("learner") { return .addLearner(member(try words.member())) }
        if words.has("remove") { return .remove(try words.member()) }
        guard words.has("jointly") else { throw ScenarioError("what to change is not understood") }
        let leavesItself = !words.has("until-told")
        let added = words.has("add") ? words.members().map { member($0) } : []
        let removed = words.has("remove") ? words.members() : []
        return .joint(adding: added, removing: removed, leavesItself: leavesItself)
    }

    private static func member(_ id: NodeID) -> Member { Member(id: id, address: "m\(id)") }
}
