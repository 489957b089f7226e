internal import Platform
package import Raft

/// A whole group under one seed: production core, driver and log; virtual clock, network and disks. Everything that happens
/// follows from the seed, and is in the trace.
package final class Simulation: Transport {
    package let seed: UInt64
    package let options: SimulationOptions
    package let trace: Trace
    package internal(set) var members: [SimulatedMember] = []
    package internal(set) var now: UInt64 = 0
    var network = SimulatedNetwork()
    var random: SeededGenerator
    var ledger = Ledger()
    var violation: String?
    var nextToken: UInt64 = 1
    /// Proposals by token, and for reads what they must see.
    var proposals: [UInt64: [UInt8]] = [:]
    var reads: [UInt64: LogIndex] = [:]
    var nextClientAction: UInt64 = 0
    var nextFault: UInt64 = 0
    package internal(set) var isHealed = false

    package init(seed: UInt64, options: SimulationOptions = .init(), recording: Bool = false) {
        self.seed = seed
        self.options = options
        trace = Trace(isRecording: recording)
        random = SeededGenerator(seed: seed)
        for number in 1...UInt64(options.members + options.spares) {
            let disk = SimulatedDisk(seed: random.next(), trace: trace)
            let machine = SimulatedStateMachine(seed: random.next())
            let member = SimulatedMember(id: NodeID(number), disk: disk, machine: machine)
            machine.onApply = { [unowned self] entry in
                note(ledger.applied(entry, by: member.id))
                trace.note("apply", member.id.value, entry.index, entry.term)
            }
            members.append(member)
        }
    }

    /// Told of every answer.
    package var onOutcome: ((RaftDriver.Outcome) -> Void)?
    package private(set) var refused = 0

    package var acknowledged: Int { ledger.acknowledged }
    package var confirmedReads: Int { ledger.confirmedReads }
    package var committed: Int { ledger.committed.count }
    package var elections: Int { ledger.leaders.count }

    /// Runs it all: found, chaos, heal. Throws `SimulationFailure`.
    package func run() throws {
        try found()
        network.lossPercent = random.below(3) == 0 ? 10 : 1
        network.repeatPercent = 2
        network.slowPercent = random.below(3) == 0 ? 5 : 0
        try run(until: options.chaosMilliseconds * 1_000_000)
        try heal()
    }

    /// Writes the first entry of the first `options.members` members, and starts all.
    package func found() throws {
        let founders = members.prefix(options.members)
        let configuration = Configuration(
            voters: founders.map { Member(id: $0.id, address: "m\($0.id)") })
        for member in founders {
            try RaftDriver.bootstrap(
                id: member.id, configuration: configuration, settings: options.settings, disk: member.disk,
                seed: random.next())
        }
        for member in members { start(member) }
        try check()
    }

    /// Everything due until `end`, in order of time.
    package func run(until end: UInt64) throws {
        while let time = nextTime, time <= end {
            now = max(now, time)
            step()
            try check()
        }
        now = max(now, end)
    }

    /// The member that most others would follow, if there is one.
    package var leader: SimulatedMember? {
        members.filter { $0.driver?.core.role == .leader }.max {
            ($0.driver?.core.term ?? 0) < ($1.driver?.core.term ?? 0)
        }
    }

    package func member(_ number: UInt64) -> SimulatedMember { members[Int(number) - 1] }

    private var nextTime: UInt64? {
        var time = UInt64.max
        if let arrival = network.nextTime { time = min(time, arrival) }
        if !isHealed {
            if options.clientMilliseconds > 0 { time = min(time, nextClientAction) }
            if options.faultMilliseconds > 0 { time = min(time, nextFault) }
        }
        for member in members {
            if let restart = member.restartAt { time = min(time, restart) }
            if let deadline = member.driver?.nextDeadline.nanoseconds {
                time = min(time, max(deadline, member.pausedUntil))
            }
        }
        return time == .max ? nil : time
    }

    private func step() {
        if let arrival = network.nextTime, arrival <= now, let delivery = network.take() {
            deliver(delivery)
            return
        }
        for member in members {
            if let restart = member.restartAt, restart <= now {
                start(member)
                return
            }
            if let driver = member.driver, driver.nextDeadline.nanoseconds <= now, member.pausedUntil <= now {
                run(member)
                return
            }
        }
        if !isHealed, options.faultMilliseconds > 0, nextFault <= now {
            nextFault = now + 1 + random.below(2 * options.faultMilliseconds * 1_000_000)
            injectFault()
        } else if !isHealed, options.clientMilliseconds > 0, nextClientAction <= now {
            nextClientAction = now + 1 + random.below(2 * options.clientMilliseconds * 1_000_000)
            actAsClient()
        }
    }

    private func deliver(_ delivery: SimulatedNetwork.Delivery) {
        let member = member(delivery.to.value)
        guard member.driver != nil else { return }
        trace.note("deliver", now, member.id.value, UInt64(CRC32C.checksum(delivery.message)))
        trace.explain((try? Message(decoding: delivery.message)).map { "\($0)" } ?? "")
        member.mailbox.append(delivery.message)
        if member.pausedUntil <= now { run(member) }
    }

    /// What `RaftNode`'s thread does in one turn.
    func run(_ member: SimulatedMember) {
        guard let driver = member.driver else { return }
        do {
            driver.advance(to: MonotonicInstant(nanoseconds: now))
            for bytes in member.mailbox { driver.receive(try Message(decoding: bytes)) }
            member.mailbox = []
            try driver.run()
        } catch {
            member.driver = nil
            if member.disk.hasLostPower {
                powerOff(member, for: 50_000_000 + random.below(1_500_000_000))
            } else {
                member.failure = error
                note("\(member.id) stopped: \(error)")
            }
            return
        }
        for change in driver.takeRoleChanges() {
            trace.note("role", now, member.id.value, change.term, change.leader?.value ?? 0)
            if change.role == .leader { note(ledger.elected(member.id, driver.core)) }
        }
        for outcome in driver.takeOutcomes() { take(outcome) }
    }

    private func take(_ outcome: RaftDriver.Outcome) {
        onOutcome?(outcome)
        switch outcome.result {
        case .success(let answer):
            trace.note("answer", now, outcome.token, answer.index)
            if let payload = proposals.removeValue(forKey: outcome.token) {
                if answer.bytes != payload.reversed() { note("entry \(answer.index) got another one's result") }
                note(ledger.acknowledge(answer.index, payload))
            } else if let needed = reads.removeValue(forKey: outcome.token) {
                note(ledger.confirmRead(asOf: answer.index, needed: needed))
            }
        case .failure(let error):
            trace.note("refusal", now, outcome.token)
            refused += 1
            if error.code == .droppedByNewLeader, let payload = proposals[outcome.token],
                ledger.committed.contains(where: { $0.entry.data == payload })
            {
                note("a proposal was reported as dropped, and is committed")
            }
            proposals[outcome.token] = nil
            reads[outcome.token] = nil
        }
    }

    package func start(_ member: SimulatedMember) {
        member.restartAt = nil
        member.mailbox = []
        member.pausedUntil = 0
        trace.note("start", now, member.id.value)
        do {
            member.driver = try RaftDriver(
                id: member.id, settings: options.settings, disk: member.disk, stateMachine: member.machine,
                transport: self, seed: random.next(), now: MonotonicInstant(nanoseconds: now))
            run(member)
        } catch {
            if member.disk.hasLostPower {
                powerOff(member, for: 100_000_000)
            } else if (error as? RaftError)?.code == .diskFull {
                powerOff(member, for: 500_000_000)
            } else {
                member.failure = error
                note("\(member.id) cannot start: \(error)")
            }
        }
    }

    /// Cuts the power; what was not synced is gone. It starts again after `duration`.
    package func powerOff(_ member: SimulatedMember, for duration: UInt64) {
        trace.note("power off", now, member.id.value)
        member.driver = nil
        member.mailbox = []
        member.machine.losePower()
        member.disk.restorePower()
        member.restartAt = now + duration
    }

    package func send(_ message: Message, to peer: NodeID, address: String?) {
        guard peer.value >= 1, peer.value <= members.count else { return }
        network.send(message, now: now, &random)
    }

    func note(_ problem: String?) {
        if violation == nil { violation = problem }
    }

    func check() throws {
        if let violation { throw SimulationFailure(seed: seed, time: now, message: violation) }
    }
}
