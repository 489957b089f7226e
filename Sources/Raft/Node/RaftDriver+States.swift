internal import Platform

/// A file in the member's folder whose being there says that the state beside it must not be believed: a crash changes nothing
/// of that.
enum DivergenceMark {
    private static let name = "diverged"

    static func isThere(_ disk: any Disk) throws -> Bool { try disk.list().contains(name) }

    static func set(on disk: any Disk) throws(SystemError) {
        let file = try disk.open(name, creating: true)
        try file.sync()
        try disk.syncDirectory()
    }

    static func remove(from disk: any Disk) throws(SystemError) {
        guard try disk.list().contains(name) else { return }
        try disk.remove(name)
        try disk.syncDirectory()
    }
}

/// Comparing states, and replacing one that differs.
extension RaftDriver {
    /// What happens to a state that its keeper found damaged by itself. A member that is alone has nobody to ask, and goes on.
    package func reportDamage() { core.diverge(Divergence(index: appliedIndex)) }

    /// True where the state is not to be asked; the token is answered then.
    func refuseDiverged(_ token: UInt64) -> Bool {
        guard let divergence = core.divergence else { return false }
        finish(token, RaftError(.diverged, "this member's state is not to be believed: \(divergence)"))
        return true
    }

    /// Applies entries, and looks at the state's digest after each checkpoint.
    func applyUpToCheckpoints(_ entries: [Entry]) throws {
        var rest = entries[...]
        while let mark = rest.firstIndex(where: \.isCheckpoint) {
            try apply(Array(rest[...mark]))
            if let digest = stateMachine.digest { core.reached(Checkpoint(index: rest[mark].index, digest: digest)) }
            rest = rest[(mark + 1)...]
        }
        try apply(rest.startIndex == entries.startIndex ? entries : Array(rest))
    }

    /// Written down before anything else is done about it.
    func markDivergence() throws {
        guard core.divergence != markedDivergence else { return }
        // With a write that waits for space, another's state may not be in place yet; in place, it may not outlive a crash yet.
        if core.divergence == nil, !stalled.isEmpty || stateMachine.durableIndex < mendedIndex { return }
        do {
            if core.divergence == nil {
                try DivergenceMark.remove(from: disk)
            } else {
                try DivergenceMark.set(on: disk)
            }
        } catch  where error.isDiskFull {
            // It is found again after a restart.
        } catch { throw RaftError(.storageFailed, "cannot mark whether the state is to be believed", cause: error) }
        if core.divergence != nil {
            for read in unconfirmedReads { _ = refuseDiverged(read.token) }
            for read in confirmedReads { _ = refuseDiverged(read.token) }
            unconfirmedReads = []
            confirmedReads = []
        }
        markedDivergence = core.divergence
    }

    /// A leader whose state differs has a good log: another brings it into force.
    func giveUpLeading() {
        guard core.divergence != nil, core.role == .leader, core.transferTarget == nil else { return }
        // Without a successor it leads on and answers nobody, until there is one.
        try? core.transferLeadership(to: nil, at: now)
    }

    func sendState(_ read: Effects.SnapshotRead) throws {
        let piece = try snapshots.piece(of: read.metadata, at: read.offset, limit: settings.snapshotChunkBytes)
        core.sendState(piece, for: read)
    }

    /// One of those who wait for a state needs one that is newer than the newest snapshot.
    var isSnapshotWanted: Bool {
        let wanted = core.comparison.snapshotWanted
        return core.role == .leader && wanted > snapshots.latest?.index ?? 0 && stateMachine.appliedIndex >= wanted
    }

    /// The state gives way to the leader's, which is this member's newest snapshot; the log stays.
    func restoreState(_ effects: Effects) throws {
        guard let metadata = effects.stateToRestore, effects.snapshotToInstall == nil else { return }
        try putInForce(metadata)
        if let leader = core.leader {
            transport.send(
                Message(from: core.id, to: leader, term: core.term, body: .stateMended), to: leader,
                address: core.address(of: leader))
        }
    }
}
