import Platform
package import Raft
import Synchronization

/// The data keys of one member, and the nonces that it draws: all from its seed.
package final class SimulatedKeys {
    private final class Source: Sendable {
        private let random: Mutex<SeededGenerator>

        init(seed: UInt64) { random = Mutex(SeededGenerator(seed: seed)) }

        func bytes(_ count: Int) -> [UInt8] {
            random.withLock { random in (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next() >> 32) } }
        }

        func below(_ bound: UInt64) -> UInt64 { random.withLock { $0.below(bound) } }
    }

    private let source: Source
    private var keys: DataKeys?
    /// Nil while the files are plain.
    package var sealing: FileSealing? {
        keys.map { keys in FileSealing(keys) { [source] in source.bytes($0) } }
    }

    package init(seed: UInt64) { source = Source(seed: seed &* 0x9e37_79b9_7f4a_7c15) }

    /// Before a start. Half of the members are of a version that seals nothing, until one of their later starts.
    package func restart() {
        if keys != nil {
            if source.below(3) == 0 { rotate() }
        } else if source.below(2) == 0 {
            keys = DataKey(number: 1, bytes: source.bytes(32)).map { DataKeys($0) }
        }
    }

    /// Once it runs: keys change while members do.
    package func started() {
        if keys != nil, source.below(3) == 0 { rotate() }
    }

    /// Whether something may be sealed with an earlier key.
    package var areSeveral: Bool { (keys?.all.count ?? 0) > 1 }

    /// The member says that nothing is: whatever happens to its disk, the newest must open it.
    package func settled() {
        if let keys { keys.forget(before: keys.newest.number) }
    }

    /// Another key seals from now on, unless all is plain.
    package func rotate() {
        guard let keys, let next = DataKey(number: keys.newest.number + 1, bytes: source.bytes(32)) else { return }
        keys.add(next)
    }
}
