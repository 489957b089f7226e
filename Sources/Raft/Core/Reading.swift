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

    /// How long a lease lasts from the moment that its heartbeat was sent.
    var leaseNanoseconds: UInt64 {
        settings.shortestElectionTimeout.wholeNanoseconds / 100 * (100 - min(settings.clockDriftPercent, 100))
    }

    /// Whether nobody else can have been elected yet: a quorum heard this leader after the lease began, and each of them helps
    /// depose nobody for longer than the lease lasts. The quorum is that of the configuration in force, which shares a
    /// member with every quorum that an election can have.
    var holdsLease: Bool {
        guard settings.allowsLeases, let leadership, !leadership.hasTold, commitIndex >= leadership.firstIndex else {
            return false
        }
        let began = configuration.agreed { voter in
            voter == id
                ? now : leadership.followers.first { $0.id == voter }?.confirmedAt ?? MonotonicInstant(nanoseconds: 0)
        }
        guard let began else { return false }
        return now.nanoseconds - began.nanoseconds < leaseNanoseconds
    }

    /// Begins a round for the reads that wait. A leader that committed nothing in its term does not know yet what is
    /// committed: its reads wait on.
    mutating func startReadRound() {
        guard let leadership, !leadership.waitingReads.isEmpty, commitIndex >= leadership.firstIndex else { return }
        let round = leadership.round + 1
        let index = commitIndex
        self.leadership?.confirmingReads += leadership.waitingReads.map { ($0, index, round) }
        self.leadership?.waitingReads = []
        broadcastHeartbeat()
        confirmReads()
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
    }
}
