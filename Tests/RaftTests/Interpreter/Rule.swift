@testable import Raft

/// Messages of a kind on some of the ways between members.
struct Rule {
    enum Kind: String {
        case everything, votes, appends, answers, heartbeats, snapshots, transfers, states
    }

    let kind: Kind
    /// Nobody named is everybody.
    let from: [NodeID]
    let to: [NodeID]

    /// `appends from 1 to 2 3`, `everything from 1`, `answers to 2`.
    init(_ words: inout Words) throws(ScenarioError) {
        let word = try words.take("a kind of message")
        guard let kind = Kind(rawValue: word) else { throw ScenarioError("no kind of message '\(word)'") }
        self.kind = kind
        from = words.has("from") ? words.members() : []
        to = words.has("to") ? words.members() : []
    }

    init(kind: Kind, from: [NodeID], to: [NodeID]) {
        self.kind = kind
        self.from = from
        self.to = to
    }

    func matches(_ message: Message) -> Bool {
        (from.isEmpty || from.contains(message.from)) && (to.isEmpty || to.contains(message.to)) && isKind(message.body)
    }

    private func isKind(_ body: Message.Body) -> Bool {
        switch body {
        case _ where kind == .everything: true
        case .vote, .voteResponse: kind == .votes
        case .append: kind == .appends
        case .appendResponse: kind == .answers
        case .heartbeat, .heartbeatResponse: kind == .heartbeats
        case .snapshot, .snapshotResponse: kind == .snapshots
        case .timeoutNow: kind == .transfers
        case .stateReport, .stateVerdict, .stateRequest, .stateChunk, .stateMended: kind == .states
        }
    }
}
