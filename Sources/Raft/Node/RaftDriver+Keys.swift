internal import Platform

extension RaftDriver {
    /// A log of more is left to become shorter: writing it anew would hold the member up.
    static var resealedLogBytes: Int { 16 << 20 }

    /// Sees to it that nothing stays sealed with an earlier key: takes another snapshot soon, and writes a log that is not large
    /// anew at once.
    ///
    /// - Returns: whether everything on the disk is sealed with the newest key.
    package func reseal() throws -> Bool {
        guard let key = sealing?.keys.newest.number, core.divergence == nil else { return sealing == nil }
        if log.hasEarlierKeys, stalled.isEmpty, !log.isFull, log.bytes <= Self.resealedLogBytes {
            let last = log.end
            log = try SegmentLog.open(
                disk: disk, segmentBytes: settings.segmentBytes, sealing: sealing, seed: random.next()
            ).log
            guard log.end == last else {
                throw RaftError(.corrupted, "the log ended at entry \(last.index), and is read up to \(log.end.index)")
            }
        }
        let isMoving = snapshotInProgress != nil || arrival != nil || arrived != nil || snapshots.isReceiving
        return !isMoving && !snapshots.hasEarlierKey && !log.hasEarlierKeys
            && sealing?.keys.newest.number == key
    }
}
