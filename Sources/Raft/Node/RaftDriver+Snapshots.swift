extension RaftDriver {
    func sendSnapshot(_ read: Effects.SnapshotRead) throws {
        let piece = try snapshots.piece(of: read.metadata, at: read.offset, limit: settings.snapshotChunkBytes)
        if let piece {
            core.sendSnapshotChunk(piece, to: read.to)
        } else {
            core.snapshotUnavailable(for: read.to)
        }
    }

    /// State and log give way to a snapshot that a leader sent.
    func install(_ metadata: SnapshotMetadata) throws {
        snapshotInProgress = nil
        if stateMachine.appliedIndex < metadata.index { try putInForce(metadata) }
        precondition(stateMachine.appliedIndex == metadata.index, "a restored state is at its snapshot's index")
        try log.reset(index: metadata.index, term: metadata.term)
        for waiter in waiters.take(through: metadata.index) {
            finish(waiter.token, Self.coveredBySnapshot(waiter.index))
        }
    }

    /// Takes a snapshot when enough was applied since the last; where nobody else writes it, one piece a call.
    func continueSnapshot() throws {
        guard core.divergence == nil else {
            snapshotInProgress = nil
            return
        }
        // What was kept for a follower is not wanted any more. A follower's own log may wait to give way to a snapshot.
        if core.role == .leader, stalled.isEmpty { try compactLog() }
        do {
            if let job = snapshotInProgress {
                if !writesSnapshotsElsewhere, try job.writePiece() { try finish(job) }
            } else if isSnapshotDue {
                let state = try stateMachine.snapshot()
                let latest = snapshots.latest?.index ?? 0
                guard state.index > latest || (state.index == latest && (isSnapshotDamaged || snapshots.hasEarlierKey)),
                    let metadata = core.metadata(at: state.index)
                else {
                    snapshotRetryAt = now + Self.snapshotRetryInterval
                    return
                }
                let job = SnapshotJob(try snapshots.write(metadata), state.source)
                snapshotInProgress = job
                if writesSnapshotsElsewhere { snapshotWork.append(job) }
                bytesSinceSnapshot = 0
            }
        } catch let error as RaftError where error.code == .diskFull { putOffSnapshot() }
    }

    /// The other thread is done with it, or could not write it.
    func written(_ job: SnapshotJob, _ failure: RaftError?) throws {
        // A leader's snapshot may have come in between.
        guard snapshotInProgress === job else { return }
        do {
            if let failure { throw failure }
            try finish(job)
        } catch let error as RaftError where error.code == .diskFull { putOffSnapshot() }
    }

    private func finish(_ job: SnapshotJob) throws {
        snapshotInProgress = nil
        try snapshots.finish(job.writer)
        isSnapshotDamaged = false
        core.snapshotTaken(job.metadata, bytes: snapshots.latestBytes)
        try compactLog()
    }

    /// The log on the disk reaches no further back than the one in memory.
    private func compactLog() throws {
        let behind = core.firstIndex - 1
        guard behind > compactedIndex else { return }
        try log.compact(through: behind)
        compactedIndex = behind
    }

    private func putOffSnapshot() {
        snapshotInProgress = nil
        snapshotRetryAt = now + Self.snapshotRetryInterval
    }

    private var isSnapshotDue: Bool {
        guard now >= snapshotRetryAt else { return false }
        if isSnapshotDamaged || isSnapshotWanted || snapshots.hasEarlierKey { return true }
        let entries = stateMachine.appliedIndex - min(stateMachine.appliedIndex, snapshots.latest?.index ?? 0)
        guard entries >= settings.snapshotAfterEntries || bytesSinceSnapshot >= settings.snapshotAfterBytes else {
            return false
        }
        // A large state is not written out for each little that is added to its log.
        return bytesSinceSnapshot >= snapshots.latestBytes / settings.snapshotShare
    }
}
