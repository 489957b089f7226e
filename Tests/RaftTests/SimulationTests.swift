import Foundation
import Raft
import RaftSimulation
import TestSupport
import Testing

/// Whole groups under faults, a seed each. `RAFT_SEED=N` replays one; `make simulate SEEDS=N` runs more of them.
@Suite(.besideOthers) struct SimulationTests {
    static let replayed = ProcessInfo.processInfo.environment["RAFT_SEED"].flatMap { UInt64($0) }
    static let firstSeeds: [UInt64] = replayed.map { [$0] } ?? stride(from: 1, through: 291, by: 10).map { $0 }

    /// Every fault that there is, in groups of all sizes. scenarios.md, Raft and storage, 3 (nobody campaigns unless a quorum
    /// wants it), 6 (two leaders' changes), 7 (no read is stale), 8 (who waits for a snapshot), 9 (changes during partitions
    /// lose no write), 11 (disks that tear, flip, fail, fill and hang), 12 (each entry once), 14 (what is retried in a session
    /// is applied once), 16 (transfers and crashes under writes), and whatever two of these together may bring.
    @Test(arguments: firstSeeds) func manySeeds(from first: UInt64) throws {
        for seed in first..<first + (Self.replayed == nil ? 10 : 1) {
            try Simulation(seed: seed, options: .drawn(from: seed)).run()
        }
    }

    /// What the simulator found once: a snapshot's pieces that a restarted follower and its leader counted differently for ever; and a
    /// healed group whose leader was about to hand over, which was none of the group's mistakes.
    @Test(arguments: [15_107, 800_614] as [UInt64]) func seedsThatFailedOnce(seed: UInt64) throws {
        try Simulation(seed: seed, options: .drawn(from: seed)).run()
    }

    @Test func calmGroupElectsOnceAndAnswersEverything() throws {
        var options = SimulationOptions()
        options.faultMilliseconds = 0
        options.settings.allowsLeases = true
        let simulation = Simulation(seed: 7, options: options)
        try simulation.found()
        try simulation.run(until: 5_000_000_000)
        try simulation.heal()
        #expect(simulation.elections == 1)
        #expect(simulation.acknowledged > 300)
        #expect(simulation.confirmedReads > 100)
    }
}
