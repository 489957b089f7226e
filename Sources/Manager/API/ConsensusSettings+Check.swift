internal import HTTP
internal import Model

extension ConsensusSettings {
    /// Refuses what is asked for and is not so: how managers agree is not set by the API. Clients send back what they were shown,
    /// and zero for what they know nothing of.
    ///
    /// - Throws: `HTTPError` 400 that names the first such setting.
    func check(against present: ConsensusSettings) throws(HTTPError) {
        try Self.check(
            "SnapshotInterval", snapshotInterval, present.snapshotInterval,
            "each manager takes it from clusterd's flag --snapshot-entries")
        try Self.check("KeepOldSnapshots", keepOldSnapshots, present.keepOldSnapshots)
        try Self.check(
            "LogEntriesForSlowFollowers", logEntriesForSlowFollowers, present.logEntriesForSlowFollowers)
        try Self.check("ElectionTick", electionTick, present.electionTick)
        try Self.check("HeartbeatTick", heartbeatTick, present.heartbeatTick)
    }

    private static func check<Number: BinaryInteger>(
        _ name: String, _ asked: Number?, _ present: Number?, _ reason: String = "does not change"
    ) throws(HTTPError) {
        guard let asked, asked != 0, asked != present else { return }
        throw HTTPError(
            .badRequest,
            "rpc error: code = InvalidArgument desc = Raft.\(name) cannot be set to \(asked): it is "
                + "\(present.map { "\($0)" } ?? "0") here, and \(reason). Leave it out, or as it is")
    }
}
