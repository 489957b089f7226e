import Store

/// What somebody waits for a change of.
enum WatchTopic: Hashable, Sendable {
    case key([UInt8])
    /// All keys that begin so.
    case prefix([UInt8])

    /// The revision of the last change, deletions included; it never goes back.
    func index(in snapshot: Snapshot) -> UInt64 {
        let part = snapshot.part(KeyValueState.self)
        return switch self {
        case .key(let key): part.index(of: key[...])
        case .prefix(let prefix): part.index(ofPrefix: prefix[...])
        }
    }
}
