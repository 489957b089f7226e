internal import Raft

/// Followers that a leader lets wait for the snapshot that it is writing (decision 0042), and whether it may.
struct SnapshotWaits {
    /// By the leader's clock, and at the end of its turns: what a turn ends with may be news that only the next one acts upon.
    private var waiting: [(follower: NodeID, since: MonotonicInstant, turns: Int)] = []
    /// How many have waited longer than one turn.
    private(set) var count = 0

    /// After a turn. Nil if all is well, else what is not.
    mutating func note(_ core: RaftCore, at now: MonotonicInstant) -> String? {
        waiting = core.awaitingSnapshot.map { follower in
            let known = waiting.first { $0.follower == follower }
            return (follower, known?.since ?? now, (known?.turns ?? 0) + 1)
        }
        for wait in waiting where wait.turns > 1 {
            if wait.turns == 2 { count += 1 }
            if now.elapsed(since: wait.since) > core.settings.snapshotPatience {
                return "\(core.id) lets \(wait.follower) wait for a snapshot since \(now.elapsed(since: wait.since))"
            }
            let window = core.settings.snapshotWindowBytes
            let first = (core.snapshot?.index ?? 0) + 1
            guard first <= core.lastIndex else { continue }
            let bytes = core.entries(first...core.lastIndex).reduce(0) { $0 + $1.cost }
            if bytes <= window {
                return
                    "\(core.id) lets \(wait.follower) wait for a snapshot, and it lacks \(bytes) bytes after the one before"
            }
        }
        return nil
    }

    /// The member leads no longer.
    mutating func end() { waiting = [] }
}
