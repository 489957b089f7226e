extension RaftCore {
    /// Whether pieces of a leader's snapshot are on their way.
    package var isReceivingSnapshot: Bool { incoming.map { !$0.isWhole } ?? false }

    /// Whether this member wants what is still to come of a snapshot, or has just been given the last of it.
    func isReceiving(_ metadata: SnapshotMetadata, isForMending: Bool) -> Bool {
        (isForMending ? comparison.incoming?.metadata : incoming?.metadata) == metadata
    }

    /// A snapshot of this member's own state is being written; nil where none is any more, whatever became of it.
    public mutating func snapshotBegun(_ index: LogIndex?) {
        snapshotUnderWay = index.map { ($0, now) }
    }

    /// A snapshot of this member's own state is durable, a file of so many bytes. Entries behind it leave memory, but for a trail
    /// and for what a follower that answers still lacks, where that is not much beside the snapshot.
    public mutating func snapshotTaken(_ metadata: SnapshotMetadata, bytes: Int = 0) {
        guard metadata.index > (snapshot?.index ?? 0), metadata.index <= handedOutIndex else { return }
        snapshot = metadata
        snapshotBytes = bytes
        compact()
    }

    /// Forgets entries that nobody is likely to want.
    mutating func compact() {
        guard let snapshot, snapshot.index > settings.trailingEntries else { return }
        let wanted = snapshot.index - settings.trailingEntries
        let held = heldIndex() ?? wanted
        isHoldingLog = held < wanted
        log.compact(through: min(wanted, held))
        configurations.compact(through: min(snapshot.index, log.baseIndex))
    }

    /// Where the follower is that is furthest behind and answers, or will be once it has the snapshot that it is being sent. It
    /// is given the rest from the log, where another snapshot would take it longer, and leave it behind again.
    private func heldIndex() -> LogIndex? {
        let limit = snapshotBytes / 100 * settings.snapshotHoldPercent
        guard let leadership, limit > 0 else { return nil }
        var held: LogIndex?
        for follower in leadership.followers where follower.lastContact + settings.longestElectionTimeout > now {
            var index = follower.match
            if case .snapshot(let transfer) = follower.state { index = max(index, transfer.metadata.index) }
            guard index >= log.baseIndex, index < held ?? .max, log.cost(after: index) <= limit else { continue }
            held = index
        }
        return held
    }

    /// The follower needs what the log no longer has.
    mutating func beginSnapshot(_ position: Int) {
        // What a leader took of a state that differs is nobody's.
        guard let snapshot, var progress = leadership?.followers[position], comparison.divergence == nil,
            !isNextWorthWaiting(after: snapshot)
        else { return }
        progress.becomeSnapshot(snapshot)
        leadership?.followers[position] = progress
        readSnapshot(position)
    }

    /// Whether a follower that needs a snapshot has all sooner with the one that is being written. What lies between the two goes
    /// through the log otherwise, where a byte takes two to three times as long.
    private func isNextWorthWaiting(after snapshot: SnapshotMetadata) -> Bool {
        guard let next = snapshotUnderWay, next.index > snapshot.index, snapshot.index >= log.baseIndex,
            now < next.since + settings.snapshotPatience
        else { return false }
        let between = log.cost(after: snapshot.index) - log.cost(after: next.index)
        return between > max(settings.snapshotWindowBytes, snapshotBytes / 10)
    }

    /// Followers that need a snapshot and are sent none yet, as the next one is worth waiting for.
    package var awaitingSnapshot: [NodeID] {
        guard let leadership, comparison.divergence == nil else { return [] }
        return leadership.followers.filter { $0.state == .probe(sent: false) && log.term(at: $0.next - 1) == nil }
            .map(\.id)
    }

    /// Asks for the next piece of the snapshot that a follower is being sent, if there is room for it on the way.
    mutating func readSnapshot(_ position: Int) {
        guard var progress = leadership?.followers[position], case .snapshot(var transfer) = progress.state,
            let offset = transfer.nextRead()
        else { return }
        progress.state = .snapshot(transfer)
        leadership?.followers[position] = progress
        effects.snapshotReads.append(.init(to: progress.id, metadata: transfer.metadata, offset: offset))
    }

    /// The piece that `Effects.snapshotReads` asked for.
    public mutating func sendSnapshotChunk(_ chunk: Message.SnapshotChunk, to peer: NodeID) {
        guard let position = leadership?.position(of: peer), var progress = leadership?.followers[position],
            case .snapshot(var transfer) = progress.state
        else { return }
        let isNext = transfer.read(chunk, at: now)
        progress.state = .snapshot(transfer)
        leadership?.followers[position] = progress
        if isNext { send(.snapshot(chunk), to: peer) }
    }

    /// The snapshot that `Effects.snapshotReads` asked for is gone: the follower starts over with the newest.
    public mutating func snapshotUnavailable(for peer: NodeID) {
        guard let position = leadership?.position(of: peer), var progress = leadership?.followers[position] else {
            return
        }
        progress.becomeProbe(next: progress.match + 1)
        leadership?.followers[position] = progress
    }

    mutating func handleSnapshotResponse(_ response: Message.SnapshotResponse, _ message: Message) {
        guard let position = heard(from: message.from), var progress = leadership?.followers[position],
            case .snapshot(var transfer) = progress.state, transfer.metadata.index == response.index
        else { return }
        // Heartbeats wait behind pieces: they must not come so late that the follower misses them.
        let limits = SnapshotTransfer.Limits(
            piece: UInt64(settings.snapshotChunkBytes), window: UInt64(settings.snapshotWindowBytes),
            patience: settings.shortestElectionTimeout / 2)
        switch transfer.answered(response.nextOffset, at: now, limits) {
        case .ignored: return
        case .moved:
            progress.state = .snapshot(transfer)
            progress.idleRounds = 0
        case .doubted:
            effects.doubtedSnapshot = transfer.metadata
            progress.becomeProbe(next: progress.match + 1)
        }
        // What it lacks goes out with the next effects.
        leadership?.followers[position] = progress
    }

    mutating func handleSnapshotChunk(_ chunk: Message.SnapshotChunk, _ message: Message) {
        let metadata = chunk.metadata
        if metadata.index <= commitIndex {
            accept(upTo: commitIndex, from: message.from)
            return
        }
        if log.term(at: metadata.index) == metadata.term {
            commit(through: metadata.index)
            accept(upTo: metadata.index, from: message.from)
            return
        }
        if let incoming, incoming.isWhole, incoming.metadata != metadata {
            // Soon it is in force, and the answer to its own leader, or this one's next message, says what is lacking then.
            return
        }
        if incoming?.isWhole != true, incoming?.isPart(chunk, from: message.from) != true {
            guard chunk.totalBytes > 0 else { return }
            incoming = IncomingSnapshot(from: message.from, metadata: metadata, totalBytes: chunk.totalBytes)
        }
        guard var receiving = incoming else { return }
        let pieces = receiving.take(chunk, holding: settings.snapshotWindowBytes)
        incoming = receiving
        effects.snapshotWrites += pieces
        // The last piece is answered once the whole is checked and in force.
        if !pieces.isEmpty, receiving.isWhole { return }
        sendAfterSync(
            .snapshotResponse(.init(index: metadata.index, nextOffset: receiving.nextOffset)), to: message.from)
    }

    /// Whether a snapshot of which all pieces are there is still what this member needs. Much may have come between the last
    /// of them and this; where the log has caught up with it, entries behind it may be promised.
    public mutating func needsSnapshot(_ metadata: SnapshotMetadata) -> Bool {
        guard let incoming, incoming.metadata == metadata else { return false }
        if role != .leader, metadata.index > commitIndex, log.term(at: metadata.index) != metadata.term { return true }
        self.incoming = nil
        return false
    }

    /// All pieces of the snapshot in `Effects.snapshotWrites` are there, checked and durable: it takes the log's place, if it is
    /// still needed.
    public mutating func snapshotReceived(_ metadata: SnapshotMetadata) {
        guard needsSnapshot(metadata) else { return }
        self.incoming = nil
        replaceLog(by: metadata)
        effects.committed = []
        if comparison.divergence != nil { believe() }
        if let leader { sendAfterSync(acceptance(upTo: metadata.index), to: leader) }
    }

    /// Everything that this member has gives way to a snapshot.
    mutating func replaceLog(by metadata: SnapshotMetadata) {
        log.reset(index: metadata.index, term: metadata.term)
        configurations = ConfigurationHistory(index: metadata.index, configuration: metadata.configuration)
        snapshot = metadata
        commitIndex = metadata.index
        handedOutIndex = metadata.index
        durableIndex = metadata.index
        for position in unfinishedWrites.indices { unfinishedWrites[position].lastIndex = 0 }
        effects.entries = []
        effects.snapshotToInstall = metadata
    }

    /// What arrived is not the snapshot that it should be: it is asked for again.
    public mutating func snapshotDamaged(_ metadata: SnapshotMetadata) {
        guard let incoming, incoming.metadata == metadata else { return }
        self.incoming = nil
        sendAfterSync(.snapshotResponse(.init(index: metadata.index, nextOffset: 0)), to: incoming.from)
    }
}
