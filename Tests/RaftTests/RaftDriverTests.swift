import RaftSimulation
import TestSupport
import Testing

@testable import Raft

/// The production driver on simulated disks, links and clocks, each told what to do.
@Suite(.besideOthers) struct RaftDriverTests: SimulatedGroupTests {
    /// A data key is forgotten while the member runs, once nothing is sealed with it; whatever becomes of the power after that, the
    /// newest opens all.
    @Test(arguments: 1...4 as ClosedRange<UInt64>) func aFormerKeyIsForgotten(seed: UInt64) throws {
        var options = SimulationOptions()
        options.members = 3
        options.faultMilliseconds = 0
        options.clientMilliseconds = 0
        options.sealsFiles = true
        options.settings.snapshotAfterEntries = 20
        let simulation = Simulation(seed: seed, options: options)
        try simulation.found()
        try simulation.run(until: 2 * Self.second)
        for round in 0..<4 {
            // In half of the rounds nothing is written, and no snapshot would be due.
            if round.isMultiple(of: 2) { try write(30, to: simulation) }
            for member in simulation.members { member.keys.rotate() }
            // Writing a snapshot takes a moment, and one that was not to be had is tried again after ten seconds.
            let end = simulation.now + 15 * Self.second
            while simulation.members.contains(where: { $0.keys.areSeveral }), simulation.now < end {
                try simulation.run(until: simulation.now + Self.second / 10)
            }
            #expect(simulation.members.allSatisfy { !$0.keys.areSeveral })
            for member in simulation.members { simulation.powerOff(member, for: 100_000_000) }
            try simulation.run(until: simulation.now + 3 * Self.second)
            #expect(simulation.members.allSatisfy { $0.driver != nil && $0.failure == nil })
        }
        try simulation.heal()
    }

    /// scenarios.md, Raft and storage, 10.
    @Test func aSingleMemberAcknowledgesOnlyAfterTheSync() throws {
        let simulation = try group(1)
        let member = try leader(simulation)
        let acknowledged = simulation.acknowledged
        member.disk.operationsUntilPowerLoss = 2  // the write goes through, its sync does not
        try simulation.propose(to: member)
        #expect(simulation.acknowledged == acknowledged)
        #expect(member.driver == nil)
        try simulation.heal()
    }

    /// scenarios.md, Raft and storage, 11: an error of fsync stops the member; the others go on.
    @Test func aFailedSyncStopsTheMember() throws {
        let simulation = try group(3)
        let member = try leader(simulation)
        let driver = try #require(member.driver)
        member.disk.syncsFail = true
        driver.propose([1], token: 999)
        #expect { try driver.run() } throws: { ($0 as? RaftError)?.code == .storageFailed }
        #expect(driver.takeOutcomes().isEmpty)
        member.disk.syncsFail = false
        driver.propose([1], token: 1000)
        #expect { try driver.run() } throws: { ($0 as? RaftError)?.code == .storageFailed }
        simulation.powerOff(member, for: 5 * Self.second)
        try simulation.run(until: simulation.now + 3 * Self.second)
        try write(3, to: simulation)
        #expect(try leader(simulation).id != member.id)
    }

    /// A leader's own sync overlaps with those of its followers: they have the entry although its disk never gets it.
    @Test func appendsLeaveBeforeTheLeadersOwnSync() throws {
        let simulation = try group(3)
        let member = try leader(simulation)
        let before = try #require(member.driver?.core.lastIndex)
        let others = simulation.members.filter { $0.id != member.id }
        member.disk.operationsUntilPowerLoss = 2  // the write goes through, its sync does not
        try simulation.propose(to: member)
        #expect(member.driver == nil)
        try simulation.run(until: simulation.now + 20_000_000)
        #expect(others.allSatisfy { $0.driver?.core.lastIndex == before + 1 })
        try simulation.heal()
    }

    /// scenarios.md, Raft and storage, 11: a leader whose disk hangs in the middle of a write is replaced, and follows after that.
    @Test func aLeaderWhoseDiskHangsIsReplaced() throws {
        let simulation = try group(3)
        let member = try leader(simulation)
        member.disk.operationsUntilStall = 1
        member.disk.stallNanoseconds = 4 * Self.second
        try simulation.propose(to: member)
        let acknowledged = simulation.acknowledged
        try simulation.run(until: simulation.now + 2 * Self.second)
        #expect(simulation.acknowledged == acknowledged, "the answer waits for the disk")
        let next = try #require(simulation.members.first { $0.id != member.id && $0.driver?.core.role == .leader })
        try simulation.propose(to: next)
        try simulation.run(until: simulation.now + Self.second)
        #expect(simulation.acknowledged == acknowledged + 1)
        try simulation.run(until: simulation.now + 3 * Self.second)
        #expect(member.driver?.core.role == .follower)
        #expect(simulation.acknowledged == acknowledged + 2, "what it had taken was committed by the others")
        try simulation.heal()
    }

    /// scenarios.md, Raft and storage, 11: a full disk refuses writes, serves reads, and recovers.
    @Test func aFullDiskRefusesWritesAndServesReads() throws {
        let simulation = try group(3) { $0.snapshotAfterEntries = 1_000_000 }
        for member in simulation.members { member.disk.freeBytes = 0 }
        let member = try leader(simulation)
        let driver = try #require(member.driver)
        var rounds = 0
        while !driver.isDiskFull, rounds < 200 {
            try write(1, to: simulation)
            rounds += 1
        }
        #expect(driver.isDiskFull)
        let refused = simulation.refused
        try write(5, to: simulation)
        #expect(simulation.refused == refused + 5)
        let reads = simulation.confirmedReads
        for _ in 0..<5 {
            try simulation.read(from: member)
            try simulation.run(until: simulation.now + Self.second)
        }
        #expect(simulation.confirmedReads == reads + 5)
        #expect(simulation.leader?.id == member.id, "it leads on")
        for member in simulation.members { member.disk.freeBytes = nil }
        try simulation.run(until: simulation.now + Self.second)
        let acknowledged = simulation.acknowledged
        try write(20, to: simulation)
        #expect(simulation.acknowledged == acknowledged + 20)
        try simulation.heal()
    }

    /// scenarios.md, Raft and storage, 11: while its disk hangs, another leads; then it follows.
    @Test func aLeaderThatHangsIsReplaced() throws {
        let simulation = try group(3)
        let member = try leader(simulation)
        simulation.pause(member, for: 4 * Self.second)
        try simulation.run(until: simulation.now + 2 * Self.second)
        #expect(simulation.leader?.id != member.id)
        try write(5, to: simulation)
        try simulation.run(until: simulation.now + 4 * Self.second)
        #expect(member.driver?.core.role == .follower)
        try simulation.heal()
    }

    /// scenarios.md, Raft and storage, 7: a leader that stood still does not serve what it read before.
    @Test func aLeaderThatStoodStillServesNothingStale() throws {
        let simulation = try group(3)
        let member = try leader(simulation)
        simulation.pause(member, for: 3 * Self.second)
        try simulation.run(until: simulation.now + 2 * Self.second)
        try write(5, to: simulation)
        let reads = simulation.confirmedReads
        simulation.pause(member, for: 0)
        try simulation.read(from: member)
        try simulation.run(until: simulation.now + 3 * Self.second)
        #expect(simulation.confirmedReads == reads)
    }

    /// scenarios.md, Raft and storage, 4.
    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64]) func aPartialMeshKeepsOneLeader(seed: UInt64) throws {
        let simulation = try group(5, seed: seed)
        let first = try leader(simulation)
        let others = simulation.members.filter { $0.id != first.id }
        // One cannot reach the leader, one is not reached by it, and two do not see each other.
        simulation.cut(from: others[0].id, to: first.id)
        simulation.cut(from: others[2].id, to: others[3].id)
        simulation.cut(from: others[3].id, to: others[2].id)
        simulation.cut(from: others[1].id, to: others[0].id)
        let term = try #require(first.driver?.core.term)
        try simulation.run(until: simulation.now + 20 * Self.second)
        try write(5, to: simulation)
        #expect(simulation.leader?.id == first.id)
        #expect(first.driver?.core.term == term)
        try simulation.heal()
    }

    /// scenarios.md, Raft and storage, 9: a leader that a partition left with a minority changes the members, the others elect
    /// another that changes them too, and both are written to all the while.
    @Test(arguments: 1...12 as ClosedRange<UInt64>) func aChangeDuringAPartitionLosesNoWrite(seed: UInt64) throws {
        var options = SimulationOptions()
        options.members = [3, 4, 5][Int(seed) % 3]
        options.spares = 2
        options.faultMilliseconds = 0
        options.clientMilliseconds = 15
        let simulation = Simulation(seed: seed, options: options)
        try simulation.found()
        try simulation.run(until: 1_500_000_000)
        let first = try leader(simulation)
        let spares = simulation.members.suffix(2)
        // With the leader goes whoever it would add, and in groups of four and five one voter.
        let companion = simulation.members.first { $0.id != first.id && options.members > 3 }
        let minority = [first.id, spares.first?.id, companion?.id].compactMap { $0 }
        simulation.part(minority)
        let gone = try #require(simulation.members.first { !minority.contains($0.id) })
        let change: MembershipChange =
            switch seed % 4 {
            case 0: .remove(gone.id)
            case 1: .add(try #require(spares.first).member)
            case 2: .joint(adding: spares.map(\.member), removing: [gone.id], leavesItself: true)
            default: .joint(adding: [], removing: [gone.id, first.id], leavesItself: false)
            }
        first.driver?.propose(change, token: 1 << 40)
        try simulation.run(until: simulation.now + 2 * Self.second)
        if let second = simulation.leader, second.id != first.id {
            second.driver?.propose(.add(try #require(spares.last).member), token: 1 << 41)
            try simulation.run(until: simulation.now + Self.second)
            second.driver?.propose(.remove(first.id), token: 1 << 42)
        }
        let acknowledged = simulation.acknowledged
        try simulation.run(until: simulation.now + 2 * Self.second)
        #expect(simulation.acknowledged > acknowledged || options.members == 4)
        // What was acknowledged on either side is there, once, and the histories are linearizable.
        try simulation.heal()
        try simulation.judge()
    }

    /// scenarios.md, Raft and storage, 12: whatever of the state survives a crash, each entry is part of it once.
    @Test(arguments: [1, 2, 5, 1_000_000] as [UInt64]) func eachEntryIsAppliedOnce(durableOneIn: UInt64) throws {
        let simulation = try group(3)
        for member in simulation.members { member.machine.durableOneIn = durableOneIn }
        for round in 0..<6 {
            try write(30, to: simulation)
            simulation.powerOff(simulation.members[round % 3], for: 100_000_000)
            try simulation.run(until: simulation.now + 2 * Self.second)
        }
        // heal compares every member's state with what the entries, each applied once, lead to.
        try simulation.heal()
    }

    @Test func allAtOnceWithoutPower() throws {
        let simulation = try group(3)
        try write(60, to: simulation)
        for member in simulation.members { simulation.powerOff(member, for: 100_000_000) }
        try simulation.run(until: simulation.now + 3 * Self.second)
        try simulation.heal()
    }

    /// scenarios.md, Raft and storage, 11: a bit flipped in the middle keeps the member from starting.
    @Test func aDamagedLogDoesNotStart() throws {
        let simulation = try group(3)
        try write(10, to: simulation)
        let member = simulation.members[0]
        simulation.powerOff(member, for: 1_000 * Self.second)
        let name = try #require(member.disk.names.first { $0.hasPrefix("segment-") })
        member.disk.modify(name) { $0[200] ^= 8 }
        #expect {
            _ = try RaftDriver(
                id: member.id, settings: simulation.options.settings, disk: member.disk,
                stateMachine: member.machine, transport: simulation, seed: 5, now: MonotonicInstant(nanoseconds: 0))
        } throws: { ($0 as? RaftError)?.code == .corrupted }
    }

    @Test func aLogWithoutVotesDoesNotStart() throws {
        let simulation = try group(1)
        let member = simulation.members[0]
        simulation.powerOff(member, for: 1_000 * Self.second)
        try member.disk.remove("vote")
        #expect {
            _ = try RaftDriver(
                id: member.id, settings: simulation.options.settings, disk: member.disk,
                stateMachine: member.machine, transport: simulation, seed: 5, now: MonotonicInstant(nanoseconds: 0))
        } throws: { ($0 as? RaftError)?.code == .corrupted }
    }

    @Test func foundingTwiceIsRefused() throws {
        let simulation = try group(1)
        #expect {
            try RaftDriver.bootstrap(
                id: NodeID(1), configuration: Configuration(), settings: simulation.options.settings,
                disk: simulation.members[0].disk, seed: 1)
        } throws: { ($0 as? RaftError)?.code == .alreadyInUse }
    }

    /// An entry that a new leader's takes the place of, on the disk of the one that proposed it, is not dropped yet: a third leader
    /// may have it from elsewhere, and commit it. Whoever was told that it is dropped would propose it again.
    @Test func whatANewLeaderReplacedMayYetBeCommitted() throws {
        let simulation = try group(5) { $0.answerTimeout = .seconds(60) }
        let first = try leader(simulation)
        let others = simulation.members.filter { $0.id != first.id }
        let (companion, rest) = (others[0], others.dropFirst())
        var told: [Result<LogIndex, RaftError>] = []
        simulation.onOutcome = { if $0.token == 4711 { told.append($0.result.map(\.index)) } }
        func part(_ some: [NodeID]) {
            simulation.repairAll()
            simulation.part(some)
        }
        part([first.id, companion.id])
        let driver = try #require(first.driver)
        driver.propose([1, 2, 3], token: 4711)
        try driver.run()
        let index = driver.core.lastIndex
        try simulation.run(until: simulation.now + 50_000_000)
        #expect(companion.driver?.core.lastIndex == index)

        // Another is elected, and reaches only the first, which gives the entry up.
        var second: SimulatedMember?
        while second == nil, simulation.now < 10 * Self.second {
            try simulation.run(until: simulation.now + 1_000_000)
            second = rest.first { $0.driver?.core.role == .candidate }
        }
        let next = try #require(second)
        for other in rest where other.id != next.id { simulation.cut(from: next.id, to: other.id) }
        simulation.repair(from: next.id, to: first.id)
        while driver.core.term(at: index) != next.driver?.core.term, simulation.now < 10 * Self.second {
            try simulation.run(until: simulation.now + 1_000_000)
        }
        #expect(next.driver?.core.role == .leader)
        #expect(driver.core.term(at: index) == next.driver?.core.term)
        #expect(told.isEmpty)

        // Who has the entry still is elected by those who have neither.
        part([first.id, next.id])
        try simulation.run(until: simulation.now + 4 * Self.second)
        #expect(companion.machine.appliedIndex > index)
        simulation.repairAll()
        try simulation.run(until: simulation.now + 2 * Self.second)
        #expect(try told.map { try $0.get() } == [index])
        try simulation.heal()
    }

    /// What was proposed to a leader that is cut off is reported as dropped once another's entry is committed there.
    @Test func proposalsOfADeposedLeaderAreReportedAsDropped() throws {
        let simulation = try group(3) { $0.answerTimeout = .seconds(60) }
        let member = try leader(simulation)
        simulation.isolate(member.id)
        let driver = try #require(member.driver)
        driver.propose([1, 2, 3], token: 4711)
        try driver.run()
        try simulation.run(until: simulation.now + 3 * Self.second)
        try write(3, to: simulation)
        simulation.repairAll()
        var code: RaftError.Code?
        simulation.onOutcome = { outcome in
            if outcome.token == 4711, case .failure(let error) = outcome.result { code = error.code }
        }
        try simulation.run(until: simulation.now + 2 * Self.second)
        #expect(code == .droppedByNewLeader)
        try simulation.heal()
    }

    /// A change that never ends keeps nobody waiting, nor the member busy (seed 203103).
    @Test func aPromotionEndsInTimeBesideAChangeThatDoesNot() throws {
        var options = SimulationOptions()
        options.spares = 1
        options.faultMilliseconds = 0
        options.clientMilliseconds = 0
        options.settings.promotionTimeout = .milliseconds(200)
        let simulation = Simulation(seed: 1, options: options)
        try simulation.found()
        try simulation.run(until: 1_500_000_000)
        let leading = try leader(simulation)
        let driver = try #require(leading.driver)
        let learner = simulation.member(4).member
        driver.propose(.addLearner(learner), token: 1_000)
        try write(3, to: simulation)
        // Only the learner hears the leader.
        let others = simulation.members.filter { $0.id != leading.id && $0.id != learner.id }
        for other in others { simulation.cut(from: other.id, to: leading.id) }
        driver.propose(.remove(others[0].id), token: 1_001)
        driver.addVoter(learner, token: 1_002)
        var answers: [UInt64: RaftError.Code] = [:]
        simulation.onOutcome = { outcome in
            if case .failure(let error) = outcome.result { answers[outcome.token] = error.code }
        }
        try simulation.run(until: simulation.now + 400_000_000)
        #expect(answers[1_002] == .changeInProgress && leading.driver?.core.role == .leader)
    }
}
