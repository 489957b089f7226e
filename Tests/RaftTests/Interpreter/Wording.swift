@testable import Raft

/// How scenarios speak of what passes between members. `3@2` is entry 3, of term 2.
enum Wording {
    static func entry(_ entry: Entry) -> String {
        let place = "\(entry.index)@\(entry.term)"
        switch entry.kind {
        case .noop: return "\(place) noop"
        case .command: return "\(place) \"\(String(decoding: entry.data, as: UTF8.self))\""
        case .configuration:
            let configuration = try? Configuration(decoding: entry.data)
            return "\(place) [\(configuration.map { members($0) } ?? "damaged")]"
        }
    }

    static func entries(_ entries: [Entry]) -> String {
        entries.isEmpty ? "nothing" : entries.map { entry($0) }.joined(separator: ", ")
    }

    static func members(_ configuration: Configuration) -> String {
        var text = "voters \(ids(configuration.voters))"
        if configuration.isJoint { text += ", outgoing \(ids(configuration.outgoing))" }
        if configuration.leavesItself { text += ", leaves by itself" }
        if !configuration.learners.isEmpty { text += ", learners \(ids(configuration.learners))" }
        return text
    }

    static func ids(_ members: [Member]) -> String {
        members.isEmpty ? "none" : members.map { "\($0.id)" }.joined(separator: " ")
    }

    static func role(_ change: RoleChange) -> String {
        switch change.role {
        case .follower: "follows \(change.leader.map { "\($0)" } ?? "nobody") in term \(change.term)"
        case .preCandidate: "would campaign after term \(change.term)"
        case .candidate: "campaigns in term \(change.term)"
        case .leader: "leads term \(change.term)"
        }
    }

    static func message(_ message: Message) -> String {
        "\(message.from) to \(message.to): " + body(message)
    }

    private static func body(_ message: Message) -> String {
        let term = message.term
        switch message.body {
        case .vote(let request):
            let place = "log ends at \(request.lastIndex)@\(request.lastTerm)"
            let question =
                request.isPreVote
                ? "would you vote" : request.isByTransfer ? "vote for me, I was told to ask," : "vote for me"
            return "\(question) in term \(term), \(place)"
        case .voteResponse(let response):
            let verb = response.isPreVote ? "would" : "do"
            return response.granted ? "I \(verb) in term \(term)" : "I \(verb) not, I am in term \(term)"
        case .append(let request):
            return "term \(term), after \(request.previousIndex)@\(request.previousTerm): "
                + "\(entries(request.entries)), commit \(request.commit)"
        case .appendResponse(let response) where response.rejected:
            return "term \(term), no match at \(response.index), perhaps at \(response.hintIndex)@\(response.hintTerm)"
        case .appendResponse(let response):
            return "term \(term), have all up to \(response.index)"
        case .heartbeat(let heartbeat):
            return "term \(term), heartbeat \(heartbeat.round), commit \(heartbeat.commit)"
        case .heartbeatResponse(let response):
            return "term \(term), heard \(response.round)"
        case .snapshot(let chunk):
            return "term \(term), snapshot \(chunk.metadata.index)@\(chunk.metadata.term), bytes from \(chunk.offset)"
        case .snapshotResponse(let response):
            return "term \(term), snapshot \(response.index) from byte \(response.nextOffset), please"
        case .timeoutNow:
            return "term \(term), lead in my place"
        case .stateReport(let checkpoint):
            return "term \(term), my state is \(checkpoint.digest) at \(checkpoint.index)"
        case .stateVerdict(let checkpoint):
            return "term \(term), most states are \(checkpoint.digest) at \(checkpoint.index)"
        case .stateRequest(let request):
            return "term \(term), your state from byte \(request.offset), please"
        case .stateChunk(let chunk):
            return "term \(term), state \(chunk.metadata.index)@\(chunk.metadata.term), bytes from \(chunk.offset)"
        case .stateMended:
            return "term \(term), my state is yours"
        }
    }
}
