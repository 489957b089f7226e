/// Times and limits of one member. All members of a group should agree on the times.
public struct RaftSettings: Sendable {
    /// The leader says that it lives this often.
    public var heartbeatInterval: Duration = .milliseconds(100)
    /// A follower that heard nothing for a random time from here to `longestElectionTimeout` tries to become leader.
    public var shortestElectionTimeout: Duration = .milliseconds(500)
    /// Also the time after which a leader that no quorum answered steps down.
    public var longestElectionTimeout: Duration = .milliseconds(1000)
    /// Whether this member, where it leads, asks its followers for their promise to depose nobody, and answers reads by the lease
    /// that comes of it (`ReadConsistency.lease`). See `RaftCore.allowLeases`.
    public var allowsLeases = false
    /// For so long after a heartbeat that asks for it a follower helps depose nobody, and after a start, as it may have promised
    /// before. The same in all members, and below `shortestElectionTimeout`: a leader that is known to have ended is not
    /// replaced any sooner.
    public var leaseTimeout: Duration = .milliseconds(250)
    /// A lease is shorter than `leaseTimeout` by so much, as clocks may run at different speeds: a fraction of it, in hundredths.
    public var clockDriftPercent: UInt64 = 10
    /// A leader that has committed something tells its followers with the entries that come next, and by a message of its own
    /// after this time if none come. Zero: at once.
    public var announcementDelay: Duration = .zero
    /// Entries of one append message end at this many bytes (one larger entry travels alone).
    public var maximumAppendBytes = 1 << 20
    /// Bytes of entries sent to one follower and not yet acknowledged.
    public var maximumInflightBytes = 8 << 20
    /// Append messages to one follower that are not yet acknowledged.
    public var maximumInflightMessages = 128
    /// Bytes that a leader has taken and not yet committed; beyond, proposals are refused as overloaded.
    public var maximumUncommittedBytes = 32 << 20
    /// One proposal's size.
    public var maximumProposalBytes = 8 << 20
    /// Reads that wait for a quorum to confirm the leader; beyond, reads are refused as overloaded.
    public var maximumPendingReads = 65_536
    /// Whether it still leads, a leader asks as many followers as make a quorum with it; all of them where these have not answered
    /// after so long. Zero: all of them at once.
    public var readPatience: Duration = .milliseconds(5)
    /// A learner may lag this many entries behind and yet be made a voter.
    public var promotionLag: UInt64 = 256
    /// A learner that has not caught up by then is left one.
    public var promotionTimeout: Duration = .seconds(60)
    /// Committed entries handed out at once end at this many bytes.
    public var maximumApplyBytes = 4 << 20
    /// Bytes of one piece of a snapshot on its way to a follower: small enough that its copies come from memory that was used
    /// before, where the kernel would have to clear pages for larger ones.
    public var snapshotChunkBytes = 256 << 10
    /// Bytes of a snapshot that are on their way to a follower unanswered, at most; one piece always may be. What comes out of
    /// order a follower holds up to as much.
    public var snapshotWindowBytes = 4 << 20
    /// For so long from its beginning, a follower that needs a snapshot may have to wait for the one that is being written.
    public var snapshotPatience: Duration = .seconds(10)
    /// Entries that stay in the log behind a snapshot, so that a follower slightly behind needs no full copy.
    public var trailingEntries: UInt64 = 2_000
    /// A snapshot is taken once this many bytes were applied since the last one.
    public var snapshotAfterBytes = 16 << 20
    /// A snapshot is taken once this many entries were applied since the last one.
    public var snapshotAfterEntries: UInt64 = 50_000
    /// And the log must have grown by such a part of the latest snapshot's size: one in so many.
    public var snapshotShare = 4
    /// A leader keeps in its log what a follower lacks that answers, also behind the latest snapshot, as long as it is no more
    /// than so many hundredths of that snapshot's size.
    public var snapshotHoldPercent = 50
    /// Members compare their states this often while something is written; nil for never.
    public var checkpointInterval: Duration? = .seconds(10)
    /// One segment file of the log.
    public var segmentBytes = 16 << 20
    /// A proposal or read that got no answer in this time fails; whether a proposal was applied is then unknown.
    public var answerTimeout: Duration = .seconds(10)

    public init() {}
}
