import RaftSimulation
import Testing

@testable import Raft

/// Tests of the production driver in a simulation whose course they say themselves.
protocol SimulatedGroupTests {}

extension SimulatedGroupTests {
    static var second: UInt64 { 1_000_000_000 }

    /// A group without faults or clients of its own.
    func group(
        _ members: Int, seed: UInt64 = 1, milliseconds: UInt64 = 1_500,
        _ change: (inout RaftSettings) -> Void = { _ in }
    ) throws -> Simulation {
        var options = SimulationOptions()
        options.members = members
        options.faultMilliseconds = 0
        options.clientMilliseconds = 0
        change(&options.settings)
        let simulation = Simulation(seed: seed, options: options)
        try simulation.found()
        try simulation.run(until: milliseconds * 1_000_000)
        return simulation
    }

    func leader(_ simulation: Simulation) throws -> SimulatedMember { try #require(simulation.leader) }

    func write(_ count: Int, to simulation: Simulation) throws {
        for _ in 0..<count {
            try simulation.propose(to: try leader(simulation))
            try simulation.run(until: simulation.now + 15_000_000)
        }
    }
}
