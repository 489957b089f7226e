import Model
import Platform
import Store
import Synchronization

/// The cluster's tokens, kept up to date beside the state: a reader of that for every request would have each write copy it
/// (docs/decisions/0024).
final class KnownTokens: Sendable {
    /// Shared with the task that follows the changes, which must not hold this object.
    private final class Followed: Sendable {
        let state: Mutex<[String: AccessToken]>

        init(_ tokens: [String: AccessToken]) { state = Mutex(tokens) }
    }

    private let followed: Followed
    private let following: Task<Void, Never>

    init(_ store: Store) {
        let (snapshot, feed) = store.watch()
        let tokens = Followed(Self.read(snapshot))
        followed = tokens
        // Ends with this object.
        following = Task {
            for await event in feed {
                switch event {
                case .changes(_, let changes):
                    for change in changes where change.table == AccessToken.table {
                        tokens.state.withLock { $0[change.id] = change.after(AccessToken.self) }
                    }
                case .lagged:
                    let all = Self.read(store.snapshot)
                    tokens.state.withLock { $0 = all }
                }
            }
        }
    }

    deinit { following.cancel() }

    /// As they are now.
    func now(_ time: Timestamp = WallClock.now()) -> AccessTokens {
        AccessTokens(tokens: followed.state.withLock { $0 }, now: time)
    }

    private static func read(_ snapshot: Snapshot) -> [String: AccessToken] {
        Dictionary(snapshot.all(AccessToken.self).map { ($0.id, $0) }) { first, _ in first }
    }
}
