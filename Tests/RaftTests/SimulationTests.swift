import Foundation
import Raft
import RaftSimulation
import Testing

/// Whole groups under faults, a seed each. `RAFT_SEED=N` replays one; `raft-simulate` runs more of them.
@Suite struct SimulationTests {
    static let replayed = ProcessInfo.processInfo.environment["RAFT_SEED"].flatMap { UInt64($0) }
    static let firstSeeds: [UInt64] = replayed.map { [$0] } ?? stride(from: 1, through: 101, by: 10).map { $0 }

    private func simulate(from first: UInt64, _ options: SimulationOptions) throws {
        for seed in first..<first + (Self.replayed == nil ? 10 : 1) {
            try Simulation(seed: seed, options: options).run()
        }
    }

    @Test(arguments: firstSeeds) func threeMembers(from seed: UInt64) throws {
        try simulate(from: seed, SimulationOptions())
    }

    @Test(arguments: firstSeeds.prefix(5)) func fiveMembers(from seed: UInt64) throws {
        var options = SimulationOptions()
        options.members = 5
        options.chaosMilliseconds = 3_000
        try simulate(from: 1000 + seed, options)
    }

    /// scenarios.md, Raft and storage, 9: membership change during a partition loses no write.
    @Test(arguments: firstSeeds.prefix(8)) func changingMembers(from seed: UInt64) throws {
        var options = SimulationOptions()
        options.spares = 2
        try simulate(from: 2000 + seed, options)
    }

    @Test func calmGroupElectsOnceAndAnswersEverything() throws {
        var options = SimulationOptions()
        options.faultMilliseconds = 0
        let simulation = Simulation(seed: 7, options: options)
        try simulation.found()
        try simulation.run(until: 5_000_000_000)
        try simulation.heal()
        #expect(simulation.elections == 1)
        #expect(simulation.acknowledged > 100)
        #expect(simulation.confirmedReads > 10)
    }
}
