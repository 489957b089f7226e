import Model
import Platform
import Store
import Synchronization

/// Who may call, as the cluster's state says it, kept up to date beside the state: a reader of that for every request would have each
/// write copy it (docs/decisions/0024).
final class KnownAccess: Sendable {
    private struct Known {
        var tokens: [String: AccessToken]
        /// Serial numbers of clients' certificates that were taken back.
        var revoked: Set<String>
    }

    /// Shared with the task that follows the changes, which must not hold this object.
    private final class Followed: Sendable {
        let state: Mutex<Known>

        init(_ known: Known) { state = Mutex(known) }

        func now(_ time: Timestamp) -> AccessTokens {
            let known = state.withLock { $0 }
            return AccessTokens(tokens: known.tokens, revoked: known.revoked, now: time)
        }
    }

    private let followed: Followed
    private let following: Task<Void, Never>

    /// - Parameter onChange: told of each change, once it is known here.
    init(_ store: Store, onChange: @escaping @Sendable (AccessTokens) -> Void = { _ in }) {
        let (snapshot, feed) = store.watch()
        let known = Followed(Self.read(snapshot))
        followed = known
        // Ends with this object.
        following = Task {
            for await event in feed {
                switch event {
                case .changes(_, let changes):
                    guard known.state.withLock({ Self.take(changes, into: &$0) }) else { continue }
                case .lagged:
                    let all = Self.read(store.snapshot)
                    known.state.withLock { $0 = all }
                }
                onChange(known.now(WallClock.now()))
            }
        }
    }

    deinit { following.cancel() }

    /// As it is now.
    func now(_ time: Timestamp = WallClock.now()) -> AccessTokens { followed.now(time) }

    /// False where none of them matters.
    private static func take(_ changes: [Change], into known: inout Known) -> Bool {
        var isNews = false
        for change in changes {
            switch change.table {
            case AccessToken.table: known.tokens[change.id] = change.after(AccessToken.self)
            case ClientCertificate.table:
                if change.after(ClientCertificate.self)?.revokedAt != nil {
                    known.revoked.insert(change.id)
                } else {
                    known.revoked.remove(change.id)
                }
            default: continue
            }
            isNews = true
        }
        return isNews
    }

    private static func read(_ snapshot: Snapshot) -> Known {
        Known(
            tokens: Dictionary(snapshot.all(AccessToken.self).map { ($0.id, $0) }) { first, _ in first },
            revoked: Set(snapshot.all(ClientCertificate.self).filter { $0.revokedAt != nil }.map(\.id)))
    }
}
