extension RaftCore {
    /// Takes commands for the log. Returns the index of the first; the rest follow it.
    ///
    /// Throws `notLeader` (also while leadership is on its way to another), `tooLarge`, or `overloaded` when the uncommitted ones exceed their limit; then nothing was taken.
    public mutating func propose(
        _ payloads: [[UInt8]], at instant: MonotonicInstant
    ) throws(RaftError) -> LogIndex {
        now = max(now, instant)
        guard role == .leader, let leadership else {
            throw RaftError(.notLeader(leader: leaderMember), "this member does not lead")
        }
        try refuseDuringTransfer()
        var cost = 0
        for payload in payloads {
            guard payload.count <= settings.maximumProposalBytes else {
                throw RaftError(.tooLarge, "a proposal of \(payload.count) bytes")
            }
            cost += payload.count + Entry.overheadBytes
        }
        guard leadership.uncommittedBytes == 0 || leadership.uncommittedBytes + cost <= settings.maximumUncommittedBytes
        else { throw RaftError(.overloaded, "\(leadership.uncommittedBytes) bytes wait to be committed; try again") }
        let first = log.lastIndex + 1
        appendAsLeader(kind: .command, payloads: payloads)
        comparison.hasNews = true
        return first
    }

    mutating func appendAsLeader(kind: Entry.Kind, payloads: [[UInt8]]) {
        var entries: [Entry] = []
        for payload in payloads {
            let index = log.lastIndex + 1 + UInt64(entries.count)
            entries.append(Entry(index: index, term: term, kind: kind, data: payload))
        }
        leadership?.uncommittedBytes += entries.reduce(0) { $0 + $1.cost }
        append(entries)
    }

    /// Appends to the log, cutting off what it holds from the first entry's index on.
    private mutating func append(_ entries: [Entry]) {
        guard let first = entries.first else { return }
        if first.index <= log.lastIndex {
            log.truncate(from: first.index)
            configurations.truncate(from: first.index)
            durableIndex = min(durableIndex, first.index - 1)
            for position in unfinishedWrites.indices {
                unfinishedWrites[position].lastIndex = min(unfinishedWrites[position].lastIndex, first.index - 1)
            }
            effects.entries.removeAll { $0.index >= first.index }
        }
        log.append(entries)
        effects.entries += entries
        for entry in entries where entry.kind == .configuration {
            do {
                configurations.append(try Configuration(decoding: entry.data), at: entry.index)
            } catch {
                fault("configuration entry \(entry.index): \(error)")
            }
            if role == .leader { reconcileFollowers() }
        }
    }

    /// Sends each follower what it lacks, as far as the limits allow.
    mutating func replicate() {
        guard let count = leadership?.followers.count else { return }
        leadership?.announceIfDue(commitIndex, at: now)
        for position in 0..<count {
            while sendAppend(position) {}
        }
    }

    /// Sends one append message; false if there is nothing to send now.
    private mutating func sendAppend(_ position: Int) -> Bool {
        guard var progress = leadership?.followers[position] else { return false }
        switch progress.state {
        case .snapshot:
            readSnapshot(position)
            return false
        case .probe(sent: true):
            return false
        case .probe(sent: false):
            break
        case .replicate:
            let announced = min(leadership?.announced ?? 0, log.lastIndex)
            let hasNews = progress.next <= log.lastIndex || progress.toldCommit < announced
            guard hasNews, progress.inflight.count < settings.maximumInflightMessages,
                progress.inflightBytes < settings.maximumInflightBytes
            else { return false }
        }
        guard let previousTerm = log.term(at: progress.next - 1) else {
            beginSnapshot(position)
            return false
        }
        let entries = log.slice(from: progress.next, through: log.lastIndex, limit: settings.maximumAppendBytes)
        let request = Message.AppendRequest(
            previousIndex: progress.next - 1, previousTerm: previousTerm, commit: commitIndex, entries: entries)
        progress.toldCommit = min(commitIndex, progress.next - 1 + UInt64(entries.count))
        if progress.state == .replicate {
            progress.next += UInt64(entries.count)
            if !entries.isEmpty { progress.sent(last: progress.next - 1, bytes: entries.reduce(0) { $0 + $1.cost }) }
        } else {
            progress.state = .probe(sent: true)
        }
        leadership?.followers[position] = progress
        send(.append(request), to: progress.id)
        return !entries.isEmpty
    }

    mutating func handleAppend(_ request: Message.AppendRequest, _ message: Message) {
        guard request.previousIndex >= commitIndex else {
            accept(upTo: commitIndex, from: message.from)
            return
        }
        guard let term = log.term(at: request.previousIndex), term == request.previousTerm else {
            let hint =
                log.lastIndex(atOrBefore: request.previousIndex, withTermAtMost: request.previousTerm) ?? log.baseIndex
            let response = Message.AppendResponse(
                rejected: true, index: request.previousIndex, hintIndex: hint, hintTerm: log.term(at: hint) ?? 0)
            sendAfterSync(.appendResponse(response), to: message.from)
            return
        }
        if let position = request.entries.firstIndex(where: { log.term(at: $0.index) != $0.term }) {
            let first = request.entries[position]
            guard first.index > commitIndex else {
                fault("\(message.from) replaces committed entry \(first.index)")
                return
            }
            append(Array(request.entries[position...]))
        }
        let last = request.previousIndex + UInt64(request.entries.count)
        commit(through: min(request.commit, last))
        accept(upTo: last, from: message.from)
    }

    func acceptance(upTo index: LogIndex) -> Message.Body {
        .appendResponse(.init(rejected: false, index: index, hintIndex: 0, hintTerm: 0))
    }

    mutating func accept(upTo index: LogIndex, from leader: NodeID) {
        sendAfterSync(acceptance(upTo: index), to: leader)
    }

    mutating func handleAppendResponse(_ response: Message.AppendResponse, _ message: Message) {
        guard let position = heard(from: message.from), var progress = leadership?.followers[position] else { return }
        if response.rejected {
            handleRejection(response, &progress)
        } else {
            // A follower cannot have what this leader does not.
            guard response.index <= log.lastIndex else { return }
            progress.acknowledged(through: response.index)
            if response.index > progress.match {
                progress.match = response.index
                progress.next = max(progress.next, progress.match + 1)
                progress.idleRounds = 0
            }
            switch progress.state {
            case .probe where log.term(at: progress.match) != nil: progress.becomeReplicate()
            case .probe: progress.state = .probe(sent: false)
            case .snapshot where progress.match >= log.baseIndex: progress.becomeReplicate()
            case .snapshot(let transfer) where progress.match >= transfer.metadata.index:
                // Installed, but the log has been cut beyond it meanwhile: the next snapshot follows.
                progress.becomeProbe(next: progress.match + 1)
            default: break
            }
        }
        leadership?.followers[position] = progress
        advanceCommit()
    }

    private func handleRejection(_ response: Message.AppendResponse, _ progress: inout FollowerProgress) {
        switch progress.state {
        case .replicate:
            // Below what is known to match it is an old answer.
            if response.index > progress.match { progress.becomeProbe(next: progress.match + 1) }
        case .probe:
            guard response.index == progress.next - 1, response.index > progress.match else { return }
            let bound = min(response.hintIndex, response.index - 1)
            // Nil if they meet before what the log still has: then `next` lies there too, and a snapshot follows.
            let meeting = log.lastIndex(atOrBefore: bound, withTermAtMost: response.hintTerm)
            progress.becomeProbe(next: (meeting ?? min(bound, max(log.baseIndex, 1) - 1)) + 1)
        case .snapshot:
            break
        }
    }

    /// A member answered: it lives. Nil if this is no leader, or the sender is none of its followers.
    mutating func heard(from sender: NodeID) -> Int? {
        guard let position = leadership?.position(of: sender) else { return nil }
        leadership?.followers[position].lastContact = now
        return position
    }

    /// Commits what a quorum has on disk; entries of earlier terms only along with one of this term (thesis §3.6.2).
    mutating func advanceCommit() {
        guard role == .leader, let leadership else { return }
        let agreed = configuration.agreed { voter in
            voter == id ? durableIndex : leadership.followers.first { $0.id == voter }?.match ?? 0
        }
        guard let agreed, agreed > commitIndex, log.term(at: agreed) == term else { return }
        let cost = log.cost(ofTerm: term, from: commitIndex + 1, through: agreed)
        self.leadership?.uncommittedBytes = max(0, leadership.uncommittedBytes - cost)
        commit(through: agreed)
    }

    mutating func commit(through index: LogIndex) {
        let index = min(index, log.lastIndex)
        guard index > commitIndex else { return }
        commitIndex = index
        // One that is about to leave, or to hand over, tells everything while it can.
        let isLeaving = !configuration.isVoter(id) || leadership?.transfer != nil
        leadership?.announce(after: isLeaving ? .zero : settings.announcementDelay, at: now)
    }

    /// Begins a round that asks everybody.
    mutating func broadcastHeartbeat() {
        sendHeartbeat(to: leadership?.followers.map(\.id) ?? [])
        leadership?.readDeadline = .distantFuture
    }

    /// Begins a round that asks some followers.
    mutating func sendHeartbeat(to asked: [NodeID]) {
        guard var leadership else { return }
        leadership.beginRound(
            at: now, horizon: MonotonicInstant(nanoseconds: now.nanoseconds - min(now.nanoseconds, leaseNanoseconds)))
        for position in leadership.followers.indices where asked.contains(leadership.followers[position].id) {
            let progress = leadership.followers[position]
            let commit = min(progress.match, commitIndex)
            if let departure = progress.departure, commit >= departure, progress.farewellRound == nil {
                leadership.followers[position].farewellRound = leadership.round
            }
            send(
                .heartbeat(.init(commit: commit, round: leadership.round, asksPromise: asksForLeases)),
                to: progress.id)
        }
        self.leadership = leadership
    }

    mutating func handleHeartbeat(_ heartbeat: Message.Heartbeat, _ message: Message) {
        if heartbeat.asksPromise { promisedUntil = max(promisedUntil, now + settings.leaseTimeout) }
        commit(through: heartbeat.commit)
        // Nothing in it rests on the disk: it may leave at once, also while that is full.
        send(.heartbeatResponse(.init(round: heartbeat.round)), to: message.from)
        report()
    }

    mutating func handleHeartbeatResponse(_ response: Message.HeartbeatResponse, _ message: Message) {
        guard let position = heard(from: message.from), var progress = leadership?.followers[position] else { return }
        progress.round = max(progress.round, min(response.round, leadership?.round ?? 0))
        if let sentAt = leadership?.time(ofRound: progress.round) { progress.confirmedAt = sentAt }
        if progress.match < log.lastIndex { progress.idleRounds += 1 }
        switch progress.state {
        case .probe:
            progress.state = .probe(sent: false)
        case .replicate where progress.idleRounds >= 2 && progress.next > progress.match + 1:
            // It answers, but not what was sent: that or its answer is lost.
            progress.idleRounds = 0
            progress.becomeProbe(next: progress.match + 1)
        case .replicate:
            break
        case .snapshot(var transfer) where progress.idleRounds >= 2:
            progress.idleRounds = 0
            if let offset = transfer.repeatPiece() {
                effects.snapshotReads.append(.init(to: progress.id, metadata: transfer.metadata, offset: offset))
            }
            progress.state = .snapshot(transfer)
        case .snapshot:
            break
        }
        leadership?.followers[position] = progress
        renewLease()
        confirmReads()
    }
}
