import Store

/// What somebody waits for a change of.
enum WatchTopic: Hashable, Sendable {
    case key([UInt8])
    /// All keys that begin so.
    case prefix([UInt8])
    /// Which sessions there are.
    case sessions

    /// Whether a change of the key is one of this.
    func contains(_ key: ArraySlice<UInt8>) -> Bool {
        switch self {
        case .key(let own): key == own[...]
        case .prefix(let prefix): key.starts(with: prefix)
        case .sessions: false
        }
    }

    /// The revision of the last change, deletions included; it never goes back.
    func index(in snapshot: Snapshot) -> UInt64 {
        switch self {
        case .key(let key): snapshot.part(KeyValueState.self).index(of: key[...])
        case .prefix(let prefix): snapshot.part(KeyValueState.self).index(ofPrefix: prefix[...])
        case .sessions: snapshot.part(SessionState.self).lastChange
        }
    }
}
