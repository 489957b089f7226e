internal import Platform
package import Raft

/// A whole group under one seed: production core, driver and log; virtual clocks, network and disks. Everything that happens
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
    package internal(set) var history = History()
    var violation: String?
    var nextToken: UInt64 = 1
    /// Proposals by token, and for reads what they must see.
    var proposals: [UInt64: [UInt8]] = [:]
    var reads: [UInt64: LogIndex] = [:]
    /// Who waits, by token, until its state shows what was committed before the term that it leads.
    var readiness: [UInt64: (member: NodeID, term: Term)] = [:]
    package internal(set) var readsInPlace = 0
    var clients: [SimulatedClient] = []
    /// Answers of members that hang while they give them.
    var lateAnswers: [(time: UInt64, answer: ClientAnswer)] = []
    /// The faults of this run.
    var faults: [Fault] = []
    var nextFault: UInt64 = 0
    /// What is to happen, soonest first.
    var scheduled: [(time: UInt64, action: () -> Void)] = []
    /// At one moment: beyond, somebody is busy for ever.
    private static let mostSteps = 100_000
    private var isChangeWanted = false
    /// A leader that is to be seen again once somebody campaigns.
    var returning: ReturningLeader?
    /// A follower that is to be seen again once it needs a snapshot and another one has been begun.
    var late: NodeID?
    /// A change of the members that only the leader knows that made it.
    var unseenChange: UnseenChange?
    /// An entry that is to give way, and to be committed after all.
    var overtakenEntry: OvertakenEntry?
    private var nextComparison: UInt64 = 0
    package internal(set) var isHealed = false

    package init(seed: UInt64, options: SimulationOptions = .init(), recording: Bool = false) {
        self.seed = seed
        self.options = options
        trace = Trace(isRecording: recording)
        random = SeededGenerator(seed: seed)
        network.latency = options.latencyMilliseconds * 1_000_000
        for number in 1...UInt64(options.members + options.spares) {
            let disk = SimulatedDisk(seed: random.next(), trace: trace)
            let machine = SimulatedStateMachine(seed: random.next())
            let member = SimulatedMember(id: NodeID(number), disk: disk, machine: machine)
            member.clock = SimulatedClock(reading: random.below(1_000_000_000_000))
            machine.onApply = { [unowned self, unowned member] entry, state in
                let believed = member.machine.isFlipped ? nil : state
                note(ledger.applied(entry, believed, by: member.id, in: member.driver?.core.term ?? 0))
                trace.note("apply", member.id.value, entry.index, entry.term)
            }
            machine.onRestore = { [unowned self, unowned member] in note(ledger.restored($0, by: member.id)) }
            members.append(member)
        }
        if options.clientMilliseconds > 0 {
            for number in 0..<options.clients { clients.append(SimulatedClient(id: UInt64(number))) }
        }
    }

    /// Told of every answer.
    package var onOutcome: ((RaftDriver.Outcome) -> Void)?
    package internal(set) var refused = 0
    /// Registers whose histories were too tangled to judge.
    package private(set) var undecided = false

    package var acknowledged: Int { ledger.acknowledged }
    package var confirmedReads: Int { ledger.confirmedReads }
    package var committed: Int { ledger.committed.count }
    /// How often a follower has waited for the snapshot that its leader was writing.
    package var snapshotWaits: Int { members.reduce(0) { $0 + $1.snapshotWaits.count } }
    package var elections: Int { ledger.leaders.count }

    /// Runs it all: found, chaos, heal, judge. Throws `SimulationFailure`.
    package func run() throws {
        drawFaults()
        try found()
        makeNoise()
        try run(until: options.chaosMilliseconds * 1_000_000)
        try heal()
        try judge()
    }

    /// Chooses the faults of this run.
    package func drawFaults() {
        faults = Fault.drawn(from: options.faults) { random.below($0) }
        // A clock that leaps is what leases do not bear.
        if options.settings.allowsLeases { faults.removeAll { $0 == .clockLeap } }
        trace.explain("faults: \(faults)")
    }

    /// Writes the first entry of the first `options.members` members, and starts all.
    package func found() throws {
        let founders = members.prefix(options.members)
        let configuration = Configuration(voters: founders.map(\.member))
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
        var stepsNow = 0
        while let time = nextTime, time <= end {
            stepsNow = time > now ? 0 : stepsNow + 1
            if stepsNow > Self.mostSteps { note("no time passes: " + members.map(view).joined(separator: "; ")) }
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
        if let late = lateAnswers.first { time = min(time, late.time) }
        if let next = scheduled.first { time = min(time, next.time) }
        if !isHealed, options.faultMilliseconds > 0 { time = min(time, nextFault) }
        for client in clients { time = min(time, client.nextAction) }
        for member in members {
            if let restart = member.restartAt { time = min(time, restart) }
            if let work = member.snapshotWork.first { time = min(time, max(work.time, member.pausedUntil)) }
            if let deadline = member.driver?.nextDeadline.nanoseconds {
                time = min(time, max(member.clock.time(of: deadline), member.pausedUntil))
            }
        }
        return time == .max ? nil : time
    }

    private func step() {
        if let arrival = network.nextTime, arrival <= now, let delivery = network.take() {
            deliver(delivery)
            return
        }
        if let late = lateAnswers.first, late.time <= now {
            lateAnswers.removeFirst()
            take(late.answer)
            return
        }
        if let next = scheduled.first, next.time <= now {
            scheduled.removeFirst()
            next.action()
            return
        }
        for member in members {
            if let restart = member.restartAt, restart <= now {
                start(member)
                return
            }
            if let work = member.snapshotWork.first, work.time <= now, member.pausedUntil <= now {
                endSnapshotWork(of: member)
                return
            }
            if let driver = member.driver, member.pausedUntil <= now,
                member.clock.time(of: driver.nextDeadline.nanoseconds) <= now
            {
                run(member)
                return
            }
        }
        if !isHealed, options.faultMilliseconds > 0, nextFault <= now {
            nextFault = now + 1 + random.below(2 * options.faultMilliseconds * 1_000_000)
            injectFault()
        } else if let client = clients.first(where: { $0.nextAction <= now }) {
            act(client)
        }
        if nextComparison <= now {
            nextComparison = now + 20_000_000
            compareLogs()
        }
    }

    private func deliver(_ delivery: SimulatedNetwork.Delivery) {
        let member = member(delivery.to.value)
        guard member.driver != nil else { return }
        trace.note("deliver", now, member.id.value, UInt64(CRC32C.checksum(delivery.message)))
        trace.explain((try? Message(decoding: delivery.message)).map { "\($0)" } ?? "")
        give(.message(delivery.message), to: member)
    }

    /// Something reaches a member's mailbox; it is taken at once unless the member stands still.
    func give(_ arrival: SimulatedMember.Arrival, to member: SimulatedMember) {
        member.mailbox.append(arrival)
        if member.pausedUntil <= now { run(member) }
    }

    /// What `RaftNode`'s thread does in one turn.
    func run(_ member: SimulatedMember) {
        guard let driver = member.driver else { return }
        do {
            driver.advance(to: MonotonicInstant(nanoseconds: member.clock.reading(at: now)))
            let arrivals = member.mailbox
            member.mailbox = []
            for arrival in arrivals {
                switch arrival {
                case .message(let bytes): driver.receive(try Message(decoding: bytes))
                case .request(let request): request(driver)
                case .finished(let work, let failure): try driver.finished(work, failure)
                }
            }
            try driver.run()
            if member.keys.areSeveral, try driver.reseal() { member.keys.settled() }
            beginSnapshotWork(of: driver, member)
            member.notePromises()
            note(member.readRounds.note(driver.core, at: driver.now))
            note(member.snapshotWaits.note(driver.core, at: driver.now))
            if let divergence = driver.core.divergence, !member.machine.wasFlipped {
                note("\(member.id) takes its state for wrong, which it is not: \(divergence)")
            }
        } catch {
            member.notePromises()
            end(member, error)
            return
        }
        for change in driver.takeRoleChanges() {
            trace.note("role", now, member.id.value, change.term, change.leader?.value ?? 0)
            // The requests for votes are on their way; whether anything else will be, remains to be seen.
            if change.role == .preCandidate { delayRequests(of: member) }
            if change.role == .candidate {
                if !overtake(by: member), !returnLeader(before: member) {
                    endReignSoon(of: member, after: 0)
                    if !halve(before: member) { narrowReign(of: member) }
                }
            }
            guard change.role == .leader else { continue }
            note(ledger.elected(member.id, driver.core))
            note(brokenLease(by: member, in: change.term))
            awaitCommitted(of: member, in: change.term)
            if !electKeeper(after: member) { endReignSoon(of: member, after: random.below(4 * network.latency)) }
            changeHastily(at: member)
            // An operator who could not wait for a leader.
            isChangeWanted = !isHealed && faults.contains(.membership) && random.below(2) == 0
        }
        let outcomes = driver.takeOutcomes()
        let stall = member.disk.takeStall()
        if stall > 0 { member.pausedUntil = max(member.pausedUntil, now + stall) }
        for outcome in outcomes { take(outcome, of: member, at: now + stall) }
        if isChangeWanted {
            isChangeWanted = false
            changeMembers(at: member)
        }
        disturbSnapshot(of: member)
    }

    package func send(_ message: Message, to peer: NodeID, address: String?) {
        guard peer.value >= 1, peer.value <= members.count else { return }
        switch message.body {
        case .heartbeat(let heartbeat): member(message.from.value).readRounds.sent(heartbeat.round, to: peer)
        case .voteResponse(let response) where response.isPreVote && response.granted:
            ledger.promised(message.from, to: peer, in: message.term)
        case .vote(let request) where !request.isPreVote && !request.isByTransfer:
            // A disk that was full may send it when the member has gone on.
            guard let core = member(message.from.value).driver?.core, core.term == message.term, core.role == .candidate
            else { break }
            note(ledger.campaigns(core))
        default: break
        }
        network.send(message, at: now + member(message.from.value).disk.stalled, &random)
    }

    func note(_ problem: String?) {
        if violation == nil { violation = problem }
    }

    func check() throws {
        if let violation { throw SimulationFailure(seed: seed, time: now, message: violation) }
    }

    /// Whether what the clients saw can have been one register after the other.
    package func judge() throws {
        switch LinearizabilityChecker.check(history) {
        case .linearizable: break
        case .undecided: undecided = true
        case .violation(let text):
            throw SimulationFailure(seed: seed, time: now, message: "not linearizable: \(text)")
        }
    }
}
