import RaftSimulation
import TestSupport
import Testing

@testable import Raft

/// scenarios.md, Raft and storage, 17: a member whose state is not what it applied is found, asked nothing, and mended.
@Suite(.besideOthers) struct StateComparisonTests {
    private static func options(members: Int = 3, isComparing: Bool = true) -> SimulationOptions {
        var options = SimulationOptions()
        options.members = members
        // What a register is read as before the flip is found, no client could forgive.
        options.clientMilliseconds = 0
        options.faultMilliseconds = 0
        options.settings.checkpointInterval = isComparing ? .milliseconds(300) : nil
        // What was flipped is not to be in a snapshot before it is found.
        options.settings.snapshotAfterEntries = 10_000
        options.settings.snapshotAfterBytes = 1 << 30
        return options
    }

    private static func write(_ simulation: Simulation, for milliseconds: UInt64) throws {
        for _ in 0..<milliseconds / 20 {
            if let leader = simulation.leader { try simulation.propose(to: leader) }
            try simulation.run(until: simulation.now + 20_000_000)
        }
    }

    /// Seeds draw the register, the bit and all else; one in two flips what a crash would leave as well.
    @Test(arguments: 1...40 as ClosedRange<UInt64>, [true, false])
    func aFlippedFollowerIsFoundAndMended(seed: UInt64, forGood: Bool) throws {
        let simulation = Simulation(seed: seed, options: Self.options(members: seed % 2 == 0 ? 3 : 5))
        try simulation.found()
        try Self.write(simulation, for: 2_000)
        let leader = try #require(simulation.leader)
        let member = try #require(simulation.members.first { $0.id != leader.id })
        member.machine.flip(forGood: forGood)
        // The leader writes a snapshot for it, and it reads that: a second and a half each at most.
        try Self.write(simulation, for: 4_000)
        #expect(member.machine.restores == 1 && !member.machine.isFlipped)
        #expect(member.driver?.core.divergence == nil)
        try simulation.heal()
        #expect(simulation.members.allSatisfy { $0.machine.state == leader.machine.state })
        #expect(simulation.leader?.driver?.core.differing == [])
    }

    /// The one before would be worth nothing if anything else mended it.
    @Test func withoutTheComparisonNobodyFindsIt() throws {
        let simulation = Simulation(seed: 1, options: Self.options(isComparing: false))
        try simulation.found()
        try Self.write(simulation, for: 2_000)
        simulation.member(2).machine.flip(forGood: true)
        try Self.write(simulation, for: 2_000)
        #expect(simulation.member(2).machine.isFlipped)
        #expect(throws: SimulationFailure.self) { try simulation.heal() }
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>) func aFlippedLeaderAnswersNobodyAndHandsOver(seed: UInt64) throws {
        let simulation = Simulation(seed: seed, options: Self.options())
        try simulation.found()
        try Self.write(simulation, for: 2_000)
        let leader = try #require(simulation.leader)
        leader.machine.flip(forGood: seed % 2 == 0)
        var isFound = false
        for _ in 0..<200 where !isFound {
            try Self.write(simulation, for: 20)
            isFound = leader.driver?.core.divergence != nil
        }
        try #require(isFound)
        var refusals = 0
        simulation.onOutcome = { if case .failure(let error) = $0.result, error.code == .diverged { refusals += 1 } }
        try simulation.propose(to: leader)
        try simulation.read(from: leader)
        #expect(refusals == 2)
        try Self.write(simulation, for: 3_000)
        #expect(simulation.leader?.id != leader.id)
        #expect(!leader.machine.isFlipped && leader.driver?.core.divergence == nil)
        try simulation.heal()
    }

    /// With crashes, partitions and pauses around it; a crash may bring the right state back by itself.
    @Test(arguments: 1...300 as ClosedRange<UInt64>) func itIsMendedAmongOtherFaults(seed: UInt64) throws {
        var options = Self.options(members: seed % 3 == 0 ? 5 : 3)
        options.faultMilliseconds = 200
        options.faults = Fault.allCases.filter { $0 != .bitFlip && $0 != .membership }
        options.healMilliseconds = 30_000
        let simulation = Simulation(seed: seed, options: options)
        simulation.drawFaults()
        try simulation.found()
        try Self.write(simulation, for: 1_500)
        let victim = simulation.member(seed % UInt64(options.members) + 1)
        victim.machine.flip(forGood: seed % 2 == 0)
        try Self.write(simulation, for: 4_000)
        try simulation.heal()
    }

    /// A member that was restarted before it was mended still knows that it must not be believed.
    @Test func aRestartForgetsNothing() throws {
        let simulation = Simulation(seed: 3, options: Self.options())
        try simulation.found()
        try Self.write(simulation, for: 2_000)
        let leader = try #require(simulation.leader)
        let member = try #require(simulation.members.first { $0.id != leader.id })
        member.machine.flip(forGood: true)
        for _ in 0..<400 where member.driver?.core.divergence == nil { try Self.write(simulation, for: 20) }
        for other in simulation.members where other.id != member.id { simulation.isolate(other.id) }
        simulation.kill(member, for: 10_000_000)
        try simulation.run(until: simulation.now + 3_000_000_000)
        #expect(member.driver?.core.divergence != nil)
        simulation.repairAll()
        try Self.write(simulation, for: 4_000)
        #expect(!member.machine.isFlipped && member.driver?.core.divergence == nil)
        simulation.kill(member, for: 10_000_000)
        try Self.write(simulation, for: 1_000)
        #expect(member.driver?.core.divergence == nil, "mended once, a restart finds nothing")
        try simulation.heal()
    }

    /// Two voters that differ: nobody knows which one is right, and both say so.
    @Test func aTieIsSaidAndNotDecided() throws {
        let simulation = Simulation(seed: 5, options: Self.options(members: 2))
        try simulation.found()
        try Self.write(simulation, for: 2_000)
        let leader = try #require(simulation.leader)
        try #require(simulation.members.first { $0.id != leader.id }).machine.flip(forGood: true)
        try Self.write(simulation, for: 2_000)
        #expect(leader.driver?.core.isTied == true)
        #expect(simulation.members.allSatisfy { $0.driver?.core.divergence == nil })
    }

    @Test func anIdleGroupWritesNothing() throws {
        let simulation = Simulation(seed: 9, options: Self.options())
        try simulation.found()
        try Self.write(simulation, for: 1_000)
        try simulation.run(until: simulation.now + 2_000_000_000)
        let last = simulation.leader?.driver?.core.lastIndex
        try simulation.run(until: simulation.now + 20_000_000_000)
        #expect(simulation.leader?.driver?.core.lastIndex == last)
    }
}
