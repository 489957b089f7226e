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

    /// What must change for the answer to change.
    var topic: WatchTopic {
        switch self {
        case .entry(let key, _): .key(key)
        case .entries(let prefix), .keys(let prefix, _): .prefix(prefix)
        }
    }

    func answer(from snapshot: Snapshot) -> DiscoveryAnswer {
        let part = snapshot.part(KeyValueState.self)
        return switch self {
        case .entry(let key, let isRaw): KeyValueReading.entry(part, key[...], isRaw: isRaw)
        case .entries(let prefix): KeyValueReading.entries(part, prefix[...])
        case .keys(let prefix, let separator): KeyValueReading.keys(part, prefix[...], separator: separator)
        }
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
