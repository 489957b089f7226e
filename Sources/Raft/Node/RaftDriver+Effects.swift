extension RaftDriver {
    /// Works off effects in the order that `Effects` prescribes.
    func carryOut(_ effects: Effects) throws {
        if let fault = effects.fault { throw RaftError(.protocolViolated, fault) }
        tellLeadership()
        send(effects.messages)
        for read in effects.snapshotReads { try sendSnapshot(read) }
        for read in effects.stateReads { try sendState(read) }
        if let metadata = effects.doubtedSnapshot, metadata == snapshots.latest { checkSnapshot() }
        if let first = effects.entries.first { waiters.overtake(from: first.index, by: first.term) }
        try write(effects)
        if let change = effects.roleChange { note(change) }
        try restoreState(effects)
        try applyUpToCheckpoints(effects.committed)
        answerReads(effects)
    }

    private func send(_ messages: [Message]) {
        for message in messages {
            transport.send(message, to: message.to, address: core.address(of: message.to))
        }
    }

    private func write(_ effects: Effects) throws {
        let isWrite =
            effects.writeNumber != nil || effects.snapshotToInstall != nil || !effects.snapshotWrites.isEmpty
            || !effects.stateWrites.isEmpty
        if stalled.isEmpty {
            do { try writeNow(effects) } catch let error as RaftError where error.code == .diskFull {
                stalled.append(effects)
                retryAt = now + Self.retryInterval
            }
        } else if isWrite {
            // What a stalled member would answer without a write is asked again anyway.
            stalled.append(effects)
        }
    }

    /// Every step may be repeated after `diskFull`.
    private func writeNow(_ effects: Effects) throws {
        if let hardState = effects.hardState { try votes.write(hardState) }
        if let metadata = effects.snapshotToInstall { try install(metadata) }
        if let first = effects.entries.first {
            precondition(first.index > 0)
            try log.append(
                effects.entries, previousTerm: effects.previousTerm, commitIndex: effects.commitIndex)
        }
        for chunk in effects.snapshotWrites { try keep(chunk, isForMending: false) }
        for chunk in effects.stateWrites { try keep(chunk, isForMending: true) }
        send(effects.messagesAfterSync)
        if let number = effects.writeNumber { core.written(number) }
    }

    func retryStalled() throws {
        guard now >= retryAt, !stalled.isEmpty || log.isFull else { return }
        retryAt = now + Self.retryInterval
        if log.isFull { try log.reserve() }
        while let effects = stalled.first {
            do { try writeNow(effects) } catch let error as RaftError where error.code == .diskFull { return }
            stalled.removeFirst()
        }
    }

    func apply(_ entries: [Entry]) throws {
        guard let first = entries.first, let last = entries.last else { return }
        precondition(first.index == stateMachine.appliedIndex + 1, "each entry is applied once, in order")
        let results = try stateMachine.apply(entries)
        precondition(results.count == entries.count, "one result for each entry")
        bytesSinceSnapshot += entries.reduce(0) { $0 + $1.cost }
        for waiter in waiters.take(through: last.index) {
            guard waiter.index >= first.index else {
                finish(waiter.token, Self.coveredBySnapshot(waiter.index))
                continue
            }
            let position = Int(waiter.index - first.index)
            if entries[position].term == waiter.term {
                finish(waiter.token, waiter.index, results[position])
            } else {
                finish(waiter.token, RaftError(.droppedByNewLeader, "entry \(waiter.index) is a new leader's"))
            }
        }
    }

    /// The state has reached an entry's index without it having been applied here.
    static func coveredBySnapshot(_ index: LogIndex) -> RaftError {
        RaftError(.timedOut, "entry \(index) may be part of a snapshot that was received")
    }

    /// Another leads, or this member has given up and leads on.
    func answerTransfers() {
        guard !transfers.isEmpty else { return }
        if core.role == .leader {
            guard core.transferTarget == nil else { return }
            let error = RaftError(.timedOut, "the other member did not take over in time; this one leads on")
            for transfer in transfers { finish(transfer.token, error) }
        } else {
            guard core.leader != nil else { return }
            for transfer in transfers { finish(transfer.token, core.commitIndex, []) }
        }
        transfers = []
    }

    /// In one pass: a round may confirm all that may wait. One that is not there any more has timed out.
    private func take(_ reads: [(token: UInt64, index: LogIndex)]) {
        guard !reads.isEmpty else { return }
        let indexes = Dictionary(reads.map { ($0.token, $0.index) }) { first, _ in first }
        unconfirmedReads.removeAll { read in
            guard let index = indexes[read.token] else { return false }
            confirmedReads.append((read.token, index, read.deadline))
            return true
        }
    }

    private func answerReads(_ effects: Effects) {
        if !effects.failedReads.isEmpty {
            let failed = Set(effects.failedReads)
            unconfirmedReads.removeAll { failed.contains($0.token) }
            let error = RaftError(.notLeader(leader: core.leaderMember), "this member leads no longer")
            for token in effects.failedReads { finish(token, error) }
        }
        take(effects.reads)
        guard let waiting = confirmedReads.first, waiting.index <= stateMachine.appliedIndex else { return }
        let due = confirmedReads.prefix { $0.index <= stateMachine.appliedIndex }
        confirmedReads.removeFirst(due.count)
        for read in due { finish(read.token, stateMachine.appliedIndex, []) }
    }
}
