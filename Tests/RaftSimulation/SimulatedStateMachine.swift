package import Raft

/// A state that is a digest of everything applied, in order: two members agree on it only if they applied the same.
///
/// It becomes durable now and then, as SQLite behind a write-ahead log does, and a crash takes it back to there.
package final class SimulatedStateMachine: StateMachine {
    package struct State: Equatable {
        package var index: LogIndex = 0
        package var digest: UInt64 = 0
    }

    package private(set) var state = State()
    private var durable = State()
    private var random: SeededGenerator
    /// Told of each entry, before it is applied.
    package var onApply: ((Entry) -> Void)?
    /// One in so many batches becomes durable at once.
    package var durableOneIn: UInt64 = 4
    package private(set) var restores = 0

    package init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    package var appliedIndex: LogIndex { state.index }

    package func apply(_ entries: [Entry]) throws -> [[UInt8]] {
        var results: [[UInt8]] = []
        for entry in entries {
            onApply?(entry)
            state = Self.after(entry, state)
            results.append(entry.kind == .command ? entry.data.reversed() : [])
        }
        if random.below(durableOneIn) == 0 { durable = state }
        return results
    }

    package static func after(_ entry: Entry, _ state: State) -> State {
        var digest = state.digest ^ entry.index
        for byte in entry.data { digest = (digest ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        digest = (digest ^ UInt64(entry.kind.rawValue) ^ (entry.term << 8)) &* 0x0000_0100_0000_01b3
        return State(index: entry.index, digest: digest)
    }

    package func losePower() { state = durable }

    package func snapshot() throws -> StateSnapshot {
        var bytes: [UInt8] = []
        withUnsafeBytes(of: (state.index.littleEndian, state.digest.littleEndian)) { bytes.append(contentsOf: $0) }
        // Ballast, so that a snapshot travels in several pieces.
        for position in 0..<2_000 { bytes.append(UInt8(truncatingIfNeeded: state.digest >> UInt64(position % 56))) }
        return StateSnapshot(index: state.index, source: BytesSource(bytes))
    }

    package func restore(from source: any ByteSource, index: LogIndex) throws {
        var bytes: [UInt8] = []
        while true {
            let more = try source.read(upTo: 700)
            if more.isEmpty { break }
            bytes += more
        }
        func number(at offset: Int) -> UInt64 {
            (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
        }
        state = State(index: number(at: 0), digest: number(at: 8))
        durable = state
        restores += 1
    }
}

/// Bytes in memory, read piece by piece.
package final class BytesSource: ByteSource {
    private var rest: ArraySlice<UInt8>

    package init(_ bytes: [UInt8]) { rest = bytes[...] }

    package func read(upTo limit: Int) throws -> [UInt8] {
        defer { rest = rest.dropFirst(limit) }
        return Array(rest.prefix(limit))
    }
}
