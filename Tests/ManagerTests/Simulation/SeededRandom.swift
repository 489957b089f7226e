import Synchronization

@testable import Manager

/// The same numbers for the same seed, everywhere.
struct SeededRandom {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x2545_F491_4F6C_DD1D &+ 1 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }

    /// True `percent` times of a hundred.
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

    mutating func pick<Element>(_ elements: [Element]) -> Element? {
        elements.isEmpty ? nil : elements[below(elements.count)]
    }
}

/// Ids that look random and are the same for the same seed.
final class SeededIdentifiers: IdentifierSource {
    private let state: Mutex<(random: SeededRandom, count: Int)>

    init(seed: UInt64) { state = Mutex((SeededRandom(seed: seed), 0)) }

    func next() -> String {
        state.withLock { state in
            state.count += 1
            let digits = String(state.random.next(), radix: 36)
            return String((digits + "000000000000").prefix(12)) + String(100_000 + state.count, radix: 36)
        }
    }
}
