import Store
import Synchronization

/// The answers to those who waited for one change: each different one is made once, by the first who needs it.
final class SharedAnswers: Sendable {
    private let store: Store
    private let made = Mutex<[DiscoveryRead: DiscoveryAnswer]>([:])

    init(store: Store) { self.store = store }

    /// From a state that shows the change.
    func answer(to read: DiscoveryRead) -> DiscoveryAnswer {
        made.withLock { made in
            if let answer = made[read] { return answer }
            let answer = read.answer(from: store.snapshot)
            made[read] = answer
            return answer
        }
    }

    /// How many were made.
    var count: Int { made.withLock { $0.count } }
}
