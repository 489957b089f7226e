import RaftSimulation
import TestSupport
import Testing

@testable import Raft

/// Snapshots between drivers, on simulated disks, links and clocks.
@Suite(.besideOthers) struct DriverSnapshotTests: SimulatedGroupTests {
    /// scenarios.md, Raft and storage, 8: a follower far behind is brought up by a snapshot, twice, and blocks nothing.
    @Test func twoSnapshotsInARow() throws {
        let simulation = try group(3)
        let member = try #require(simulation.members.first { $0.id != simulation.leader?.id })
        for round in 1...2 {
            simulation.isolate(member.id)
            try write(120, to: simulation)
            let leading = try #require(try leader(simulation).driver)
            #expect(leading.core.firstIndex > member.driver?.core.lastIndex ?? 0)
            simulation.repairAll()
            let acknowledged = simulation.acknowledged
            try write(10, to: simulation)
            #expect(simulation.acknowledged == acknowledged + 10)
            try simulation.run(until: simulation.now + 2 * Self.second)
            #expect(member.machine.restores == round)
            #expect(member.machine.appliedIndex == (try leader(simulation).machine.appliedIndex))
        }
        try simulation.heal()
    }

    /// A follower that gets a snapshot while the others write finds what came since in the leader's log: it needs no second one,
    /// which would leave it behind again. What is kept for it is given up once it has it, or does not answer.
    @Test(arguments: [0, 10_000]) func theLogIsKeptForWhoGetsASnapshot(percent: Int) throws {
        let simulation = try group(3, seed: 4) { settings in
            settings.snapshotHoldPercent = percent
            settings.snapshotAfterEntries = 10
            settings.trailingEntries = 2
            settings.snapshotChunkBytes = 100
            // So that it takes its time.
            settings.snapshotWindowBytes = 0
        }
        let member = try #require(simulation.members.first { $0.id != simulation.leader?.id })
        simulation.isolate(member.id)
        // After more than the time for which it counts as one that answers.
        try simulation.run(until: simulation.now + 2 * Self.second)
        try write(60, to: simulation)
        let core = try #require(try leader(simulation).driver?.core)
        #expect(core.lastIndex - core.firstIndex < 20, "nothing is kept for one that does not answer")
        simulation.repairAll()
        try write(150, to: simulation)
        try simulation.run(until: simulation.now + 3 * Self.second)
        #expect(member.machine.appliedIndex == (try leader(simulation).machine.appliedIndex))
        if percent == 0 { #expect(member.machine.restores > 1) } else { #expect(member.machine.restores == 1) }
        try write(20, to: simulation)
        let later = try #require(try leader(simulation).driver?.core)
        #expect(later.lastIndex - later.firstIndex < 20, "nor for one that has all")
        try simulation.heal()
    }

    /// scenarios.md, Raft and storage, 8: the power goes at every operation of receiving a snapshot.
    @Test(arguments: 1...30 as ClosedRange<Int>) func powerLossWhileInstallingASnapshot(operation: Int) throws {
        let simulation = try group(3, seed: UInt64(operation))
        let member = try #require(simulation.members.first { $0.id != simulation.leader?.id })
        simulation.isolate(member.id)
        try write(100, to: simulation)
        member.disk.operationsUntilPowerLoss = operation
        simulation.repairAll()
        try simulation.run(until: simulation.now + 6 * Self.second)
        #expect(member.machine.restores >= 1)
        try simulation.heal()
    }

    /// A leader whose own snapshot is damaged does not send it for ever: its state is whole, so it takes another.
    @Test func aDamagedSnapshotIsTakenAnew() throws {
        let simulation = try group(3)
        let member = try #require(simulation.members.first { $0.id != simulation.leader?.id })
        simulation.isolate(member.id)
        try write(120, to: simulation)
        let disk = try leader(simulation).disk
        let name = try #require(disk.names.last { $0.hasPrefix("snapshot-") })
        disk.modify(name) { $0[1_000] ^= 4 }
        simulation.repairAll()
        try simulation.run(until: simulation.now + 4 * Self.second)
        #expect(member.machine.restores == 1)
        #expect(member.machine.appliedIndex == (try leader(simulation).machine.appliedIndex))
        try simulation.heal()
    }

    @Test(arguments: [0, 1_300, 1 << 20]) func aSnapshotWithLostPiecesArrives(window: Int) throws {
        let simulation = try group(3) { $0.snapshotWindowBytes = window }
        let member = try #require(simulation.members.first { $0.id != simulation.leader?.id })
        simulation.isolate(member.id)
        try write(120, to: simulation)
        simulation.repairAll()
        simulation.lose(percent: 40)
        try simulation.run(until: simulation.now + 8 * Self.second)
        #expect(member.machine.restores >= 1)
        try simulation.heal()
    }

    /// A follower that is sent a snapshot in many pieces, of which the first have come.
    private func midway(window: Int) throws -> (Simulation, SimulatedMember) {
        let simulation = try group(3) { settings in
            settings.snapshotWindowBytes = window
            settings.snapshotChunkBytes = 100
        }
        let member = try #require(simulation.members.first { $0.id != simulation.leader?.id })
        simulation.isolate(member.id)
        try write(120, to: simulation)
        simulation.repairAll()
        for _ in 0..<2_000 where (member.driver?.core.incoming?.nextOffset ?? 0) < 500 {
            try simulation.run(until: simulation.now + 500_000)
        }
        let incoming = try #require(member.driver?.core.incoming)
        #expect(incoming.nextOffset >= 500 && !incoming.isWhole)
        return (simulation, member)
    }

    private func arrives(_ simulation: Simulation, _ member: SimulatedMember) throws {
        try simulation.run(until: simulation.now + 6 * Self.second)
        #expect(member.machine.restores >= 1)
        #expect(member.machine.appliedIndex == (try leader(simulation).machine.appliedIndex))
        try simulation.heal()
    }

    @Test(arguments: [0, 350, 1 << 20]) func aCrashInTheMiddleOfAWindow(window: Int) throws {
        let (simulation, member) = try midway(window: window)
        simulation.powerOff(member, for: 30_000_000)
        try arrives(simulation, member)
    }

    @Test(arguments: [0, 350, 1 << 20]) func anotherLeaderInTheMiddleOfAWindow(window: Int) throws {
        let (simulation, member) = try midway(window: window)
        let former = try leader(simulation)
        simulation.isolate(former.id)
        try simulation.run(until: simulation.now + 3 * Self.second)
        #expect(try leader(simulation).id != former.id)
        try arrives(simulation, member)
    }

    /// So many pieces are under way as the window holds, and no more.
    @Test(arguments: [0, 350, 800]) func theWindowIsKept(window: Int) throws {
        let (simulation, member) = try midway(window: window)
        var most: UInt64 = 0
        for _ in 0..<200 {
            try simulation.run(until: simulation.now + 500_000)
            let followers = try leader(simulation).driver?.core.leadership?.followers ?? []
            for case .snapshot(let transfer) in followers.map(\.state) {
                most = max(most, transfer.sent - transfer.offset)
            }
        }
        #expect(most > 0 && most <= UInt64(max(window + 99, 100)))
        if window > 200 { #expect(most >= 200, "they go ahead") }
        try arrives(simulation, member)
    }
}
