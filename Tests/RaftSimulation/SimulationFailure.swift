/// A property that did not hold.
package struct SimulationFailure: Error, CustomStringConvertible {
    package let seed: UInt64
    package let time: UInt64
    package let message: String

    package var description: String {
        "seed \(seed), at \(time / 1_000_000) ms: \(message) (replay: raft-simulate --seed \(seed))"
    }
}
