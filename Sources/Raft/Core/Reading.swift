extension RaftCore {
    /// A linearizable read: `Effects.reads` names `token` with the index to wait for, once it is certain that this member still
    /// led after the call (thesis §6.4). All reads of one flush share one round of heartbeats, or need none.
    ///
    /// Throws `notLeader` or `overloaded`.
    public mutating func read(
        token: UInt64, _ consistency: ReadConsistency = .quorum, at instant: MonotonicInstant
    ) throws(RaftError) {
        now = max(now, instant)
        // Not bound to a name: a copy would make each append copy the list.
        guard role == .leader, let pending = leadership?.pendingReads else {
            throw RaftError(.notLeader(leader: leaderMember), "this member does not lead")
        }
        if consistency == .lease, holdsLease {
            effects.reads.append((token, commitIndex))
            return
        }
        guard pending < settings.maximumPendingReads else {
            throw RaftError(.overloaded, "\(pending) reads wait; try again")
        }
        leadership?.waitingReads.append(token)
    }

    /// Whether this member, where it leads, asks for promises and reads by lease. To be allowed only once all members know what
    /// a promise is (`Message.Heartbeat.asksPromise`); what was answered before counts for nothing.
    public mutating func allowLeases(_ isAllowed: Bool) {
        guard isAllowed != asksForLeases else { return }
        asksForLeases = isAllowed
        leadership?.forgetPromises()
        renewLease()
    }

    /// How long a lease lasts from the moment that its heartbeat was sent.
    var leaseNanoseconds: UInt64 {
        settings.leaseTimeout.wholeNanoseconds / 100 * (100 - min(settings.clockDriftPercent, 100))
    }

    /// Whoever answered a round that was sent at some moment or later has promised to help depose nobody for longer than a lease
    /// lasts from there. Counted are the voters of the configuration in force: their quorum shares a member with every
    /// one that an election can have.
    mutating func renewLease() {
        guard asksForLeases, let leadership else { return }
        let began = configuration.agreed { voter in
            voter == id
                ? .distantFuture
                : leadership.followers.first { $0.id == voter }?.confirmedAt ?? MonotonicInstant(nanoseconds: 0)
        }
        self.leadership?.leaseBegan = began.flatMap { $0.nanoseconds == 0 ? nil : $0 }
    }

    /// Before then nobody else can have been elected; nil where nothing is known of that. It holds although this member gives up
    /// leading meanwhile, unless by telling another one to campaign.
    package var leaseEnd: MonotonicInstant? {
        guard asksForLeases, let leadership, !leadership.hasTold, commitIndex >= leadership.firstIndex,
            let began = leadership.leaseBegan
        else { return nil }
        // One that is alone has nobody to wait for.
        return MonotonicInstant(nanoseconds: min(began, now).nanoseconds &+ leaseNanoseconds)
    }

    var holdsLease: Bool { leaseEnd.map { now < $0 } ?? false }

    /// Begins a round for the reads that wait. A leader that committed nothing in its term does not know yet what is
    /// committed: its reads wait on.
    mutating func startReadRound() {
        guard let leadership, !leadership.waitingReads.isEmpty, commitIndex >= leadership.firstIndex else { return }
        let round = leadership.round + 1
        let index = commitIndex
        self.leadership?.confirmingReads += leadership.waitingReads.map { ($0, index, round) }
        self.leadership?.waitingReads = []
        if settings.readPatience > .zero, let nearest = nearestQuorum {
            sendHeartbeat(to: nearest)
            self.leadership?.readDeadline = min(leadership.readDeadline, now + settings.readPatience)
        } else {
            broadcastHeartbeat()
        }
        confirmReads()
    }

    /// As many followers as make a quorum with this member, those first that it has heard of last; nil where that takes all
    /// there are, or the voters are about to be others.
    private var nearestQuorum: [NodeID]? {
        guard let leadership, !configuration.isJoint, configuration.isVoter(id) else { return nil }
        let voters = leadership.followers.filter { configuration.isVoter($0.id) }
        let wanted = configuration.quorum - 1
        guard wanted < leadership.followers.count, wanted <= voters.count else { return nil }
        return voters.sorted { ($0.lastContact, $1.id) > ($1.lastContact, $0.id) }.prefix(wanted).map(\.id)
    }

    /// The round that the read waits for which has waited longest for an answer.
    package var oldestReadRound: UInt64? { leadership?.confirmingReads.first?.round }

    /// Asks all followers where those that a read round asked do not answer.
    mutating func askAllIfLate() {
        guard let leadership, now >= leadership.readDeadline else { return }
        broadcastHeartbeat()
    }

    mutating func confirmReads() {
        guard let leadership, !leadership.confirmingReads.isEmpty else { return }
        let confirmed =
            configuration.agreed { voter in
                voter == id ? leadership.round : leadership.followers.first { $0.id == voter }?.round ?? 0
            } ?? 0
        let count = leadership.confirmingReads.prefix { $0.round <= confirmed }.count
        effects.reads += leadership.confirmingReads.prefix(count).map { ($0.token, $0.index) }
        self.leadership?.confirmingReads.removeFirst(count)
        if count == leadership.confirmingReads.count {
            self.leadership?.readDeadline = .distantFuture
        } else if count > 0, leadership.readDeadline != .distantFuture {
            self.leadership?.readDeadline = now + settings.readPatience
        }
    }
}
