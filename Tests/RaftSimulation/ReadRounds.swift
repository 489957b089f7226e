internal import Raft

/// Whether a leader whose reads wait asks all its followers where a few do not answer (decision 0043).
struct ReadRounds {
    /// The latest round that each follower was asked in, and the latest that asked all.
    private var asked: [NodeID: UInt64] = [:]
    private var allAsked: UInt64 = 0
    /// The round that is waited for, and since when by the leader's clock, at the end of its turns.
    private var oldest: (round: UInt64, since: MonotonicInstant)?

    mutating func sent(_ round: UInt64, to follower: NodeID) { asked[follower] = round }

    /// After a turn. Nil if all is well, else what is not.
    mutating func note(_ core: RaftCore, at now: MonotonicInstant) -> String? {
        guard core.role == .leader else {
            self = ReadRounds()
            return nil
        }
        guard let round = core.oldestReadRound else {
            oldest = nil
            return nil
        }
        if oldest?.round != round { oldest = (round, now) }
        // Who comes later need not have been asked.
        allAsked = max(allAsked, core.followers.map { asked[$0.id] ?? 0 }.min() ?? round)
        guard let oldest, allAsked < round, now.elapsed(since: oldest.since) > core.settings.readPatience else {
            return nil
        }
        return "\(core.id) has reads that wait for round \(round), and has not asked everybody"
    }
}
