internal import Platform
internal import Synchronization

extension RaftNode {
    /// The member's thread.
    func run(_ driver: RaftDriver, _ disk: DirectoryDisk) {
        var proposals = ProposalBatcher<(bytes: [UInt8], token: Mailbox.Token)>()
        var isStopping = false
        var failure: RaftError?
        driver.writesSnapshotsElsewhere = true
        var turns = EventLoop.Driver(loop)
        driver.onLeadership = { [unowned self] in tell(led: $0, leaseEnd: $1) }
        do {
            var now = MemberClock.now()
            while !isStopping {
                let need = proposals.need(at: now)
                let items = mailbox.take(
                    until: min(driver.nextDeadline, need.until), orProposals: need.proposals, &turns)
                now = MemberClock.now()
                turnBegan.store(now.nanoseconds, ordering: .relaxed)
                defer { turnBegan.store(0, ordering: .relaxed) }
                driver.advance(to: now)
                for item in items {
                    switch item {
                    case .message(let message): driver.receive(message)
                    case .proposal(let bytes, let token): proposals.add((bytes, token), at: now)
                    case .change(.add(let member), let token): driver.addVoter(member, token: token)
                    case .change(let change, let token): driver.propose(change, token: token)
                    case .read(let consistency, let token): driver.read(token: token, consistency)
                    case .transfer(let target, let token): driver.transferLeadership(to: target, token: token)
                    case .damage: driver.reportDamage()
                    case .reseal(let token): try reseal(driver, token)
                    case .gone(let member): driver.memberIsGone(member)
                    case .leases(let isAllowed): driver.allowLeases(isAllowed)
                    case .snapshot(let work, let failure): try driver.finished(work, failure)
                    case .stop: isStopping = true
                    }
                }
                if isStopping { break }
                if proposals.areDue(at: now) {
                    let batch = proposals.take()
                    for (bytes, token) in batch { driver.propose(bytes, token: token) }
                    proposals.proposed(batch.count, upTo: driver.core.lastIndex, at: now)
                }
                try driver.run()
                proposals.note(driver.core.role, driver.core.commitIndex, at: now)
                for work in driver.takeSnapshotWork() { carryOut(work) }
                publish(driver)
                callers.answer(driver.takeOutcomes())
            }
        } catch {
            failure = error as? RaftError ?? RaftError(.storageFailed, "the state machine failed", cause: error)
            log.error("member stopped", ["member": id.description, "reason": "\(error)"])
        }
        driver.stop()
        mailbox.close()
        let error = failure ?? RaftError(.stopped, "the member has stopped")
        // Also those of a turn that was cut short.
        callers.refuseAll(error.stopping)
        disk.unlock()
        turns.finish()
        finish(failure)
    }

    /// Beside everything else: neither encoding, decoding nor syncing a state holds the member up.
    private func carryOut(_ work: any SnapshotWork) {
        startThread(named: "raft-snapshot") { [mailbox, log, id] in
            let start = MemberClock.now()
            let failure = work.carryOut()
            let taken = MemberClock.now().elapsed(since: start)
            log.debug(
                work.purpose,
                [
                    "member": id.description, "snapshot": "\(work.metadata.index)", "took": "\(taken)",
                    "failure": failure.map { "\($0)" } ?? "none",
                ])
            _ = mailbox.post(.snapshot(work, failure), bytes: 0)
        }
    }

    /// What those are told who ask whether this member leads, and whether by a lease.
    private func tell(led term: Term, leaseEnd end: MonotonicInstant?) {
        // A lease of another term is taken back before the term is told, and one of this term is told after it.
        if ledTerm.load(ordering: .relaxed) != term {
            leaseEnd.store(0, ordering: .releasing)
            ledTerm.store(term, ordering: .releasing)
        }
        leaseEnd.store(end?.nanoseconds ?? 0, ordering: .releasing)
    }

    /// Whoever asked is answered, and a log that cannot be written anew ends the member.
    private func reseal(_ driver: RaftDriver, _ token: Mailbox.Token) throws {
        let isResealed = Result { try driver.reseal() }
        callers.answer(token, isResealed.map { Answer(index: $0 ? 1 : 0, bytes: []) })
        _ = try isResealed.get()
    }

    /// What others are told of the member. The core is read where it is: a copy would count references for all of it.
    func publish(_ driver: RaftDriver) {
        let changes = driver.takeRoleChanges()
        hasLeader.store(driver.core.leader != nil, ordering: .relaxed)
        hasSoundState.store(driver.core.divergence == nil, ordering: .relaxed)
        var states: [Status.StateNews] = []
        let observers: [AsyncStream<RoleChange>.Continuation] = shared.withLock { shared in
            shared.status.take(from: driver)
            states = shared.status.noteStates(of: driver)
            return changes.isEmpty ? [] : Array(shared.observers.values)
        }
        for news in states { tell(news) }
        for change in changes {
            log.debug(
                "role changed",
                [
                    "member": id.description, "role": change.role.rawValue, "term": "\(change.term)",
                    "leader": change.leader?.description ?? "none",
                ])
            for observer in observers { observer.yield(change) }
        }
    }

    private func finish(_ failure: RaftError?) {
        let (observers, waiters) = shared.withLock { shared in
            defer {
                shared.observers = [:]
                shared.stopWaiters = []
            }
            shared.status.isStopped = true
            shared.status.failure = failure
            shared.status.role = .follower
            shared.status.leader = nil
            tell(led: 0, leaseEnd: nil)
            hasLeader.store(false, ordering: .relaxed)
            return (Array(shared.observers.values), shared.stopWaiters)
        }
        for observer in observers { observer.finish() }
        for waiter in waiters { waiter.resume(returning: failure) }
    }
}

extension RaftNode.Status {
    fileprivate mutating func take(from driver: RaftDriver) {
        role = driver.core.role
        term = driver.core.term
        leader = driver.core.leader
        configuration = driver.core.configuration
        isVoter = configuration.isVoter(driver.core.id)
        lastIndex = driver.core.lastIndex
        commitIndex = driver.core.commitIndex
        appliedIndex = driver.appliedIndex
        snapshotIndex = driver.core.snapshot?.index ?? 0
        followers = driver.core.followers
        reachable = driver.core.reachable(at: driver.now)
        isDiskFull = driver.isDiskFull
    }
}

extension RaftError {
    /// What a caller is told whose request the member's end cut short.
    fileprivate var stopping: RaftError {
        code == .stopped ? self : RaftError(.stopped, "the member failed", cause: self)
    }
}
