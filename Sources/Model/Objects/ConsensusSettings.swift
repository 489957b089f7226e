/// How the managers' consensus is set (Engine API `SwarmSpec.Raft`). A tick is the time between two heartbeats.
public struct ConsensusSettings: Codable, Sendable, Equatable {
    /// Log entries from one snapshot to the next.
    public var snapshotInterval: UInt64?
    /// Snapshots that are kept beside the newest.
    public var keepOldSnapshots: UInt64?
    /// Log entries that stay behind a snapshot, for followers that are not far behind.
    public var logEntriesForSlowFollowers: UInt64?
    /// Ticks without a leader after which a manager may ask to be it.
    public var electionTick: Int?
    /// Ticks between two heartbeats.
    public var heartbeatTick: Int?

    public init(
        snapshotInterval: UInt64, keepOldSnapshots: UInt64, logEntriesForSlowFollowers: UInt64, electionTick: Int,
        heartbeatTick: Int
    ) {
        self.snapshotInterval = snapshotInterval
        self.keepOldSnapshots = keepOldSnapshots
        self.logEntriesForSlowFollowers = logEntriesForSlowFollowers
        self.electionTick = electionTick
        self.heartbeatTick = heartbeatTick
    }

    enum CodingKeys: String, CodingKey {
        case snapshotInterval = "SnapshotInterval"
        case keepOldSnapshots = "KeepOldSnapshots"
        case logEntriesForSlowFollowers = "LogEntriesForSlowFollowers"
        case electionTick = "ElectionTick"
        case heartbeatTick = "HeartbeatTick"
    }
}
