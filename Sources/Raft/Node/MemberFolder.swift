/// A member's files, opened and brought into agreement with each other; what its driver, and those who mend a group whose
/// members are stopped, begin from.
struct MemberFolder {
    let votes: VoteFile
    let hardState: HardState
    let snapshots: SnapshotStore
    let log: SegmentLog
    let recovered: SegmentLog.Recovered

    /// `seed` must differ at every start. Throws `corrupted`, `wrongKey`, `storageFailed`, `diskFull`, `alreadyInUse`.
    static func open(
        id: NodeID, settings: RaftSettings, disk: any Disk, sealing: FileSealing?, seed: UInt64
    ) throws(RaftError) -> MemberFolder {
        let (votes, hardState, isNew) = try VoteFile.open(disk: disk, member: id)
        let snapshots = try SnapshotStore.open(disk: disk, sealing: sealing)
        var (log, recovered) = try SegmentLog.open(
            disk: disk, segmentBytes: settings.segmentBytes, sealing: sealing, seed: seed)
        guard !isNew || (recovered.lastIndex == 0 && snapshots.latest == nil) else {
            throw RaftError(.corrupted, "there is a log, but term and vote are missing")
        }
        if let snapshot = snapshots.latest {
            // A snapshot that came from a leader, and a crash before the log gave way to it.
            let mismatches = recovered.term(at: snapshot.index).map { $0 != snapshot.term } ?? true
            if recovered.lastIndex < snapshot.index || (recovered.baseIndex <= snapshot.index && mismatches) {
                try log.reset(index: snapshot.index, term: snapshot.term)
                recovered = SegmentLog.Recovered(baseIndex: snapshot.index, baseTerm: snapshot.term)
            }
        }
        guard recovered.baseIndex <= snapshots.latest?.index ?? 0 else {
            throw RaftError(.corrupted, "the log begins after \(recovered.baseIndex), and no snapshot reaches so far")
        }
        return MemberFolder(
            votes: votes, hardState: hardState, snapshots: snapshots, log: log, recovered: recovered)
    }

    /// The configuration in force: the last in the log, committed or not, or the snapshot's.
    func configuration() throws(RaftError) -> Configuration {
        guard let entry = recovered.entries.last(where: { $0.kind == .configuration }) else {
            return snapshots.latest?.configuration ?? Configuration()
        }
        do { return try Configuration(decoding: entry.data) } catch {
            throw RaftError(.corrupted, "configuration entry \(entry.index)", cause: error)
        }
    }
}
