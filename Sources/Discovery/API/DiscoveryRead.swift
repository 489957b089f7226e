import HTTP
import Store

/// One thing that can be read, and waited for. Equal ones have equal answers from the same state.
enum DiscoveryRead: Hashable, Sendable {
    /// One key, its value as it is where `isRaw`.
    case entry([UInt8], isRaw: Bool)
    /// All keys that begin so, with their values.
    case entries(prefix: [UInt8])
    /// Their names, each once up to the first separator behind the prefix.
    case keys(prefix: [UInt8], separator: [UInt8])
    case session(String)
    case sessions
    case sessionsOnNode(String)

    /// What must change for the answer to change.
    var topic: WatchTopic {
        switch self {
        case .entry(let key, _): .key(key)
        case .entries(let prefix), .keys(let prefix, _): .prefix(prefix)
        case .session, .sessions, .sessionsOnNode: .sessions
        }
    }

    func answer(from snapshot: Snapshot) -> DiscoveryAnswer {
        switch self {
        case .entry(let key, let isRaw):
            KeyValueReading.entry(snapshot.part(KeyValueState.self), key[...], isRaw: isRaw)
        case .entries(let prefix): KeyValueReading.entries(snapshot.part(KeyValueState.self), prefix[...])
        case .keys(let prefix, let separator):
            KeyValueReading.keys(snapshot.part(KeyValueState.self), prefix[...], separator: separator)
        case .session(let id): Self.sessions(snapshot) { state in state.session(id).map { [$0] } ?? [] }
        case .sessions: Self.sessions(snapshot) { $0.all }
        case .sessionsOnNode(let node): Self.sessions(snapshot) { state in state.all.filter { $0.node == node } }
        }
    }

    private static func sessions(_ snapshot: Snapshot, _ body: (SessionState) -> [KeySession]) -> DiscoveryAnswer {
        let state = snapshot.part(SessionState.self)
        return DiscoveryAnswer(index: state.lastChange, body: SessionJSON.list(body(state)))
    }
}

/// What a route answers, before the headers that all answers have.
struct DiscoveryAnswer: Sendable {
    var status = HTTPStatus.ok
    /// Of what was read, deletions included.
    var index: UInt64 = 1
    var contentType = "application/json"
    var body: [UInt8] = []
}
