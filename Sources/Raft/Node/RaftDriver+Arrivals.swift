/// Snapshots that a leader sends: kept piece by piece, then made durable, checked and read beside everything else, and put in
/// force when that is done. The member goes on answering heartbeats and votes meanwhile.
extension RaftDriver {
    /// What is to be done on other threads; `finished` is to follow each.
    package func takeSnapshotWork() -> [any SnapshotWork] {
        defer { snapshotWork = [] }
        return snapshotWork
    }

    /// Something of `takeSnapshotWork` is done, or failed.
    package func finished(_ work: any SnapshotWork, _ failure: RaftError?) throws {
        switch work {
        case let job as SnapshotJob: try written(job, failure)
        case let arrival as SnapshotArrival: try wasRead(arrival, failure)
        case let check as SnapshotCheck:
            isCheckingSnapshot = false
            if failure != nil, check.metadata == snapshots.latest { isSnapshotDamaged = true }
        default: preconditionFailure("work that this driver did not give out")
        }
    }

    /// A follower that was sent all of the newest snapshot wants it from the start.
    func checkSnapshot() {
        guard !isCheckingSnapshot else { return }
        guard let check = snapshots.check() else {
            isSnapshotDamaged = true
            return
        }
        isCheckingSnapshot = true
        snapshotWork.append(check)
    }

    func keep(_ chunk: Message.SnapshotChunk, isForMending: Bool) throws {
        if let arrival {
            // After a full disk the last piece comes again.
            if arrival.isWhole, chunk.offset > 0, arrival.metadata == chunk.metadata { return }
            // Its file is about to be another's.
            if chunk.offset == 0 {
                giveUpArrival()
                if arrival.isWhole { ask(for: arrival.metadata, isForMending: arrival.isForMending) }
            }
        }
        switch try snapshots.keep(chunk) {
        case .piece(let file):
            if chunk.offset == 0 { begin(chunk.metadata, file, isForMending: isForMending) }
            if isForMending { core.stateKept() }
        case .misfit: ask(for: chunk.metadata, isForMending: isForMending)
        case .whole(let file):
            if arrival == nil { begin(chunk.metadata, file, isForMending: isForMending) }
            arrival?.isWhole = true
            if let arrival, let failure = arrival.endedEarly { try wasRead(arrival, failure) }
        }
    }

    /// Its state is read while the pieces come.
    private func begin(_ metadata: SnapshotMetadata, _ file: SnapshotFile, isForMending: Bool) {
        let arrival = SnapshotArrival(metadata, file, for: stateMachine, isForMending: isForMending)
        self.arrival = arrival
        snapshotWork.append(arrival)
    }

    private func giveUpArrival() {
        arrival?.giveUp()
        arrival = nil
    }

    /// What is still to come of it may never do.
    func giveUpUnwanted() {
        guard let arrival, !arrival.isWhole, !core.isReceiving(arrival.metadata, isForMending: arrival.isForMending)
        else { return }
        giveUpArrival()
        snapshots.abandonIncoming()
    }

    /// From its first piece on.
    private func ask(for metadata: SnapshotMetadata, isForMending: Bool) {
        if isForMending { core.stateDamaged() } else { core.snapshotDamaged(metadata) }
    }

    private func wasRead(_ arrival: SnapshotArrival, _ failure: RaftError?) throws {
        guard self.arrival === arrival else { return }
        guard arrival.isWhole else {
            // Damage: that is said once all pieces are there, which tells the leader that they are not to blame.
            arrival.endedEarly = failure
            return
        }
        self.arrival = nil
        let metadata = arrival.metadata
        do {
            if let failure { throw failure }
            guard arrival.isForMending ? core.needsState(metadata) : core.needsSnapshot(metadata) else {
                snapshots.discardArrived()
                return
            }
            // An older one of this member's own that is finished in this turn too must not take its place.
            snapshotInProgress = nil
            try snapshots.finish(arrived: arrival.file, metadata)
        } catch let error as RaftError where error.code == .corrupted || error.code == .diskFull {
            snapshots.discardArrived()
            ask(for: metadata, isForMending: arrival.isForMending)
            return
        }
        arrived = arrival
        if arrival.isForMending { core.stateReceived(metadata) } else { core.snapshotReceived(metadata) }
    }

    /// Puts the state of the snapshot that arrived in force.
    func putInForce(_ metadata: SnapshotMetadata) throws {
        guard let arrived, arrived.metadata == metadata, let install = arrived.install else {
            throw RaftError(.corrupted, "the snapshot \(metadata.index) that was received is gone")
        }
        install()
        self.arrived = nil
        precondition(stateMachine.appliedIndex == metadata.index, "a restored state is at its snapshot's index")
        bytesSinceSnapshot = 0
        if markedDivergence != nil { mendedIndex = metadata.index }
    }
}
