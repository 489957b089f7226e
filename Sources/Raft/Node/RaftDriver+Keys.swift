internal import Platform

extension RaftDriver {
    /// What is more in the log is left to become less: writing it anew would hold the member up.
    static var resealedLogBytes: Int { 16 << 20 }
    /// After the disk had no space for it.
    private static var resealInterval: Duration { .seconds(10) }

    /// Sees to it that nothing stays sealed with an earlier key: takes another snapshot soon, and writes a log that is not large
    /// anew at once.
    ///
    /// - Returns: whether everything on the disk is sealed with the newest key.
    package func reseal() throws -> Bool {
        guard let key = sealing?.keys.newest.number, core.divergence == nil else { return sealing == nil }
        if log.hasEarlierKeys, stalled.isEmpty, !log.isFull, now >= resealRetryAt { try resealLog() }
        let isMoving = snapshotInProgress != nil || arrival != nil || arrived != nil || snapshots.isReceiving
        return !isMoving && !snapshots.hasEarlierKey && !log.hasEarlierKeys
            && sealing?.keys.newest.number == key
    }

    /// From memory, which has what is behind the newest snapshot, and no more of what is before than a follower may want.
    private func resealLog() throws {
        try log.removeLeftovers()
        guard log.hasEarlierKeys, core.log.cost(after: core.log.baseIndex) <= Self.resealedLogBytes else { return }
        let content = SegmentLog.Recovered(
            baseIndex: core.log.baseIndex, baseTerm: core.log.baseTerm,
            entries: core.entries(core.firstIndex...max(core.firstIndex, core.lastIndex)), commitIndex: core.commitIndex
        )
        // What has just come is not written yet: then another time.
        guard log.end == (content.lastIndex, content.lastTerm) else { return }
        let isRewritten = try log.rewrite(content)
        try log.reserve()
        if isRewritten {
            compactedIndex = max(compactedIndex, content.baseIndex)
        } else {
            resealRetryAt = now + Self.resealInterval
        }
    }
}
