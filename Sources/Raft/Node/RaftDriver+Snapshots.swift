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
        if stateMachine.appliedIndex < metadata.index, let source = try snapshots.read() {
            try stateMachine.restore(from: source, index: metadata.index)
        }
        precondition(stateMachine.appliedIndex == metadata.index, "a restored state is at its snapshot's index")
        try log.reset(index: metadata.index, term: metadata.term)
        bytesSinceSnapshot = 0
        for waiter in waiters.prefix(while: { $0.index <= metadata.index }) {
            finish(
                waiter.token, RaftError(.timedOut, "entry \(waiter.index) may be part of a snapshot that was received"))
        }
        waiters.removeAll { $0.index <= metadata.index }
    }

    /// Takes a snapshot when enough was applied since the last: one piece a call, so that nothing waits for it.
    func continueSnapshot() throws {
        guard core.divergence == nil else {
            snapshotInProgress = nil
            return
        }
        do {
            if let (writer, source) = snapshotInProgress {
                let bytes = try source.read(upTo: SnapshotFormat.chunkBytes)
                if !bytes.isEmpty {
                    try writer.append(bytes)
                    return
                }
                snapshotInProgress = nil
                try snapshots.finish(writer)
                isSnapshotDamaged = false
                core.snapshotTaken(writer.metadata)
                try log.compact(through: core.firstIndex - 1)
            } else if isSnapshotDue {
                let state = try stateMachine.snapshot()
                let latest = snapshots.latest?.index ?? 0
                guard state.index > latest || (isSnapshotDamaged && state.index == latest),
                    let metadata = core.metadata(at: state.index)
                else {
                    snapshotRetryAt = now + Self.snapshotRetryInterval
                    return
                }
                snapshotInProgress = (try snapshots.write(metadata), state.source)
                bytesSinceSnapshot = 0
            }
        } catch let error as RaftError where error.code == .diskFull {
            snapshotInProgress = nil
            snapshotRetryAt = now + Self.snapshotRetryInterval
        }
    }

    private var isSnapshotDue: Bool {
        guard now >= snapshotRetryAt else { return false }
        if isSnapshotWanted { return true }
        let entries = stateMachine.appliedIndex - min(stateMachine.appliedIndex, snapshots.latest?.index ?? 0)
        return isSnapshotDamaged || entries >= settings.snapshotAfterEntries
            || bytesSinceSnapshot >= settings.snapshotAfterBytes
    }
}
