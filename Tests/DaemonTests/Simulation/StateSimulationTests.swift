import Foundation
import Platform
import TestSupport
import Testing

/// Managers' states, keys and watches under faults, a seed each. `STATE_SEED=N` replays one; `STATE_SEEDS=N` runs so many, from
/// `STATE_FROM` on (`make simulate-state`).
@Suite(.besideOthers) struct StateSimulationTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let seeds: ClosedRange<UInt64> = {
        func number(_ name: String) -> UInt64? { environment[name].flatMap(UInt64.init) }
        if let seed = number("STATE_SEED") { return seed...seed }
        let first = number("STATE_FROM") ?? 1
        return first...(first + max(1, number("STATE_SEEDS") ?? 12) - 1)
    }()

    private static func run(_ seed: UInt64) throws -> StateSimulation {
        let loop = try EventLoop(name: "state-simulation")
        defer { loop.stop() }
        let simulation = try StateSimulation(seed: seed, loop: loop)
        try simulation.run(for: 5_000)
        return simulation
    }

    /// scenarios.md, Raft and storage, 12 (each entry once, in the store itself), 13 (watches: no gap, no duplicate and no time travel,
    /// through partitions, crashes, snapshots, compaction and slow clients), 15 (no key is held by a session that is not alive).
    @Test func manySeeds() throws {
        var (entries, restores, crashes, told, gaps) = (0, 0, 0, 0, 0)
        for seed in Self.seeds {
            let simulation = try Self.run(seed)
            entries += simulation.ledger.acknowledgements
            restores += simulation.restores
            crashes += simulation.crashes
            for watcher in simulation.watchers {
                told += watcher.seen.count
                gaps += watcher.gaps.count
            }
        }
        print(
            "\(entries) commands acknowledged, \(crashes) crashes, \(restores) snapshots, \(told) changes told, \(gaps) gaps"
        )
        guard Self.seeds.count > 10 else { return }
        #expect(entries > 1_000 && restores > 5 && crashes > 20 && told > 3_000 && gaps > 0, "it looks at little")
    }

    @Test func aSeedIsOneHistory() throws {
        let (one, other) = (try Self.run(7), try Self.run(7))
        #expect(one.fingerprint == other.fingerprint && one.ledger.entries == other.ledger.entries)
        #expect(one.watchers.map(\.seen) == other.watchers.map(\.seen))
    }
}
