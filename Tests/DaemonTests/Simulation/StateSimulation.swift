import Platform
import Raft
import RaftSimulation

@testable import Discovery
@testable import Store

/// The lower half of managers under one seed: production core, driver, log, snapshots, *store* and watches, on virtual clocks, links and
/// disks. `Simulation` has more faults and clients, and a few registers for a state; this one has the state that `clusterd` has.
///
/// At every step: each entry is one, and has one answer and one state behind it, whoever applies it in whatever batches, also after a
/// crash or from a snapshot. At the end: what was acknowledged is there; the state is what its commands make one by one; nobody who is not
/// alive holds a key; and each watcher was told every change of its topic, once and in order, or that it is compacted.
final class StateSimulation: Transport {
    struct Failure: Error, CustomStringConvertible {
        let seed: UInt64
        let description: String
    }

    private static let millisecond: UInt64 = 1_000_000
    /// At one moment: beyond, somebody is busy for ever.
    private static let mostSteps = 100_000

    let seed: UInt64
    private(set) var ledger = StateLedger()
    private(set) var members: [StateMember] = []
    private(set) var watchers: [StateWatcher] = []
    /// Of all messages and their times.
    private(set) var fingerprint: UInt64 = 0
    private(set) var restores = 0
    private(set) var crashes = 0
    var random: SeededGenerator
    var now: UInt64 = 0
    let settings: RaftSettings
    let loop: EventLoop
    var network = SimulatedNetwork()
    private var proposals: [UInt64: [UInt8]] = [:]
    private var nextToken: UInt64 = 0
    private var nextCommand: UInt64 = 0
    private var nextFault: UInt64 = 0
    private var isHealed = false
    private var problem: String?

    init(seed: UInt64, loop: EventLoop, members count: Int = 3) throws {
        self.seed = seed
        self.loop = loop
        random = SeededGenerator(seed: seed)
        settings = Self.settings(&random)
        for number in 1...UInt64(count) { members.append(StateMember(NodeID(number), seed: random.next())) }
        let configuration = Configuration(voters: members.map { Raft.Member(id: $0.id, address: "m\($0.id)") })
        for member in members {
            try RaftDriver.bootstrap(
                id: member.id, configuration: configuration, settings: settings, disk: member.disk, seed: random.next())
        }
        for member in members { try start(member) }
        for topic in StateCommands.topics {
            for pace in [20, 1_500] as [UInt64] {
                watchers.append(StateWatcher(topic, after: 0, pace: pace * Self.millisecond))
            }
        }
    }

    /// Limits so small that all are met within seconds.
    private static func settings(_ random: inout SeededGenerator) -> RaftSettings {
        var settings = SimulationOptions.smallSettings
        settings.segmentBytes = 1 << 16
        settings.snapshotAfterEntries = [20, 50, 100][Int(random.below(3))]
        settings.trailingEntries = [0, 8][Int(random.below(2))]
        settings.snapshotChunkBytes = [1_000, 30_000][Int(random.below(2))]
        settings.snapshotHoldPercent = [0, 50][Int(random.below(2))]
        settings.maximumAppendBytes = 20_000
        settings.maximumInflightBytes = 100_000
        settings.maximumUncommittedBytes = 1_000_000
        settings.checkpointInterval = .milliseconds(300)
        return settings
    }

    /// Chaos for so long, then everything works again, and is judged.
    func run(for milliseconds: UInt64) throws {
        try run(until: milliseconds * Self.millisecond)
        heal()
        let end = now + 20_000 * Self.millisecond
        while !isAtRest, now < end { try run(until: now + 100 * Self.millisecond) }
        guard isAtRest else {
            throw Failure(seed: seed, description: "no rest: " + members.map(\.description).joined(separator: "; "))
        }
        try judge()
    }

    private func heal() {
        isHealed = true
        network.repair()
        (network.lossPercent, network.slowPercent, network.repeatPercent) = (0, 0, 0)
        for member in members where member.restartAt != nil { member.restartAt = now }
    }

    /// Somebody leads, and everybody has all that it has.
    private var isAtRest: Bool {
        guard let leader, leader.core.commitIndex == leader.core.lastIndex else { return false }
        return members.allSatisfy { $0.life?.store.applied.index == leader.core.lastIndex }
    }

    private func judge() throws {
        for member in members { note(member.life?.driver.core.divergence.map { "\(member.id) differs: \($0)" }) }
        note(ledger.lost())
        let (store, versions, problem) = try ledger.replay(StateCommands.schema)
        note(problem)
        for member in members {
            guard let life = member.life else { continue }
            if life.store.digest != store.digest { note("\(member.id) has another state") }
            if !life.store.isSound() { note("\(member.id)'s rows are not what was written") }
        }
        for watcher in watchers {
            if let hub = members.compactMap({ $0.life?.hub }).first { note(try watcher.look(at: hub)) }
            // Once more where it was told of a gap.
            if let hub = members.compactMap({ $0.life?.hub }).first { note(try watcher.look(at: hub)) }
            note(watcher.difference(from: versions))
            watcher.leave()
        }
        try check()
    }

    // MARK: What members report

    func applied(_ piece: [Entry], _ answers: [[UInt8]], _ digest: UInt64) {
        note(ledger.applied(piece, answers, digest))
    }

    func restored(_ index: LogIndex, _ digest: UInt64) {
        restores += 1
        note(ledger.stands(at: index, digest).map { "\($0), after a snapshot" })
    }

    func pieceSize(of count: Int) -> Int {
        random.below(2) == 0 ? count : 1 + Int(random.below(UInt64(count)))
    }

    func send(_ message: Message, to peer: NodeID, address: String?) {
        network.send(message, at: now, &random)
    }

    func note(_ what: String?) { problem = problem ?? what }

    private func check() throws {
        if let problem { throw Failure(seed: seed, description: problem) }
    }

    // MARK: Time

    private func run(until end: UInt64) throws {
        var stepsNow = 0
        while let time = nextTime, time <= end {
            stepsNow = time > now ? 0 : stepsNow + 1
            if stepsNow > Self.mostSteps { note("no time passes") }
            now = max(now, time)
            try step()
            try check()
        }
        now = max(now, end)
    }

    private var nextTime: UInt64? {
        var time = network.nextTime ?? .max
        if !isHealed { time = min(time, nextFault, nextCommand) }
        for member in members { time = min(time, member.nextTime) }
        for watcher in watchers { time = min(time, watcher.nextLook) }
        return time
    }

    private func step() throws {
        if let time = network.nextTime, time <= now, let delivery = network.take() { return try deliver(delivery) }
        for member in members where member.nextTime <= now { return try turn(of: member) }
        for watcher in watchers where watcher.nextLook <= now { return try look(watcher) }
        if nextCommand <= now {
            nextCommand = now + random.below(10 * Self.millisecond)
            return try propose()
        }
        nextFault = now + random.below(500 * Self.millisecond)
        StateFault.allCases[Int(random.below(UInt64(StateFault.allCases.count)))].befall(self)
    }

    private func deliver(_ delivery: SimulatedNetwork.Delivery) throws {
        fingerprint = fingerprint &* 31 &+ delivery.time &+ UInt64(CRC32C.checksum(delivery.message))
        guard let member = members.first(where: { $0.id == delivery.to }), let life = member.life else { return }
        life.driver.receive(try Message(decoding: delivery.message))
        try run(member)
    }

    private func turn(of member: StateMember) throws {
        if let restart = member.restartAt, restart <= now { return try start(member) }
        guard let life = member.life else { return }
        if member.nextFlush <= now {
            member.nextFlush = now + random.below(200 * Self.millisecond)
            try life.store.flush()
            return member.rows.mark(isDurable: random.below(3) == 0)
        }
        if let place = member.work.firstIndex(where: { $0.time <= now }) {
            let work = member.work.remove(at: place).work
            if work.isReady {
                try life.driver.finished(work, work.carryOut())
            } else {
                // Another thread would wait.
                member.work.append((now + 1 + random.below(20 * Self.millisecond), work))
            }
        }
        try run(member)
    }

    /// What `RaftNode`'s thread does in one turn.
    private func run(_ member: StateMember) throws {
        guard let driver = member.life?.driver else { return }
        driver.advance(to: MonotonicInstant(nanoseconds: now))
        try driver.run()
        for work in driver.takeSnapshotWork() {
            member.work.append((now + random.below(100 * Self.millisecond), work))
        }
        _ = driver.takeRoleChanges()
        for outcome in driver.takeOutcomes() {
            guard let command = proposals.removeValue(forKey: outcome.token),
                case .success((let index, let answer)) = outcome.result
            else { continue }
            ledger.acknowledge(index, command, answer)
        }
    }

    // MARK: Members and clients

    func start(_ member: StateMember) throws {
        let store = try Store(storage: member.rows, schema: StateCommands.schema)
        if member.rows.isWrong { note("\(member.id)'s rows are not those of the state that it wrote") }
        if !store.isSound() { note("\(member.id) starts with rows that are not what was written") }
        if store.applied.index > 0 {
            note(ledger.stands(at: store.applied.index, store.digest).map { "\($0), after a crash" })
        }
        let driver = try RaftDriver(
            id: member.id, settings: settings, disk: member.disk, stateMachine: CheckedState(store, self),
            transport: self, seed: random.next(), now: MonotonicInstant(nanoseconds: now))
        driver.writesSnapshotsElsewhere = true
        member.restartAt = nil
        member.life = StateMember.Life(store: store, hub: WatchHub(store: store, loop: loop), driver: driver)
        try run(member)
    }

    /// Its process ends, or its machine loses its power.
    func crash(_ member: StateMember, byPowerLoss: Bool) {
        guard let life = member.life else { return }
        crashes += 1
        life.driver.stop()
        member.crash(byPowerLoss: byPowerLoss)
        member.restartAt = now + random.below(2_000 * Self.millisecond)
    }

    var leader: RaftDriver? {
        members.compactMap { $0.life?.driver }.filter { $0.core.role == .leader }.max { $0.core.term < $1.core.term }
    }

    private func propose() throws {
        // Any that takes itself for the leader.
        let leaders = members.compactMap(\.life).filter { $0.driver.core.role == .leader }
        guard !leaders.isEmpty else { return }
        let life = leaders[Int(random.below(UInt64(leaders.count)))]
        nextToken += 1
        let command = try StateCommands.drawn(life.store.snapshot, number: nextToken, &random)
        proposals[nextToken] = command
        life.driver.propose(command, token: nextToken)
        if let member = members.first(where: { $0.life?.driver === life.driver }) { try run(member) }
    }

    private func look(_ watcher: StateWatcher) throws {
        watcher.nextLook = now + 1 + random.below(watcher.pace)
        let hubs = members.compactMap { $0.life?.hub }
        guard !hubs.isEmpty else { return }
        // It stays where it is, as long as that one lives.
        let hub = watcher.hub(among: hubs, orAnyBy: &random)
        note(try watcher.look(at: hub))
    }
}
