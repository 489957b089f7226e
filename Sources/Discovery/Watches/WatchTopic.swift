import Store

/// What somebody waits for a change of.
enum WatchTopic: Hashable, Sendable {
    case key([UInt8])
    /// All keys that begin so.
    case prefix([UInt8])
    /// Which sessions there are.
    case sessions

    /// The revision of the last change, deletions included; it never goes back.
    func index(in snapshot: Snapshot) -> UInt64 {
        switch self {
        case .key(let key): snapshot.part(KeyValueState.self).index(of: key[...])
        case .prefix(let prefix): snapshot.part(KeyValueState.self).index(ofPrefix: prefix[...])
        case .sessions: snapshot.part(SessionState.self).lastChange
        }
    }
}
