package import Raft

/// What a simulation is made of.
package struct SimulationOptions: Sendable {
    package var members = 3
    /// Members beyond `members` that run and may be voted in.
    package var spares = 0
    /// How long faults and clients go on, in virtual milliseconds.
    package var chaosMilliseconds: UInt64 = 5_000
    /// How long the healed group has to write again everywhere.
    package var healMilliseconds: UInt64 = 15_000
    package var clients = 5
    /// Each client rests about this long between two operations; 0 is no clients.
    package var clientMilliseconds: UInt64 = 20
    /// A fault happens about this often; 0 is never.
    package var faultMilliseconds: UInt64 = 250
    /// Each run has about half of these.
    package var faults = Fault.allCases
    /// A message that nothing holds up arrives within so long.
    package var latencyMilliseconds: UInt64 = 4
    package var settings = SimulationOptions.smallSettings
    /// Whether members seal their files; some only from a later start on, and with other keys now and then.
    package var sealsFiles = false

    package init() {}

    /// A group whose size, pace and limits follow from the seed.
    package static func drawn(from seed: UInt64) -> SimulationOptions {
        var random = SeededGenerator(seed: ~seed)
        var options = SimulationOptions()
        options.members = [1, 2, 3, 3, 3, 4, 4, 5, 5][Int(random.below(9))]
        options.spares = [0, 0, 1, 2, 2, 3][Int(random.below(6))]
        options.settings.allowsLeases = random.below(3) > 0
        // The longer a promise, the more can go wrong with it.
        if random.below(2) == 0 { options.settings.leaseTimeout = .milliseconds(480) }
        options.faultMilliseconds = [80, 150, 250, 250, 800][Int(random.below(5))]
        options.latencyMilliseconds = [4, 4, 30, 100][Int(random.below(4))]
        // One entry a message: then a leader that ends leaves more behind that is half done.
        if random.below(3) == 0 { options.settings.maximumAppendBytes = 1 }
        if random.below(3) == 0 { options.settings.maximumInflightMessages = 1 }
        if random.below(3) == 0 { options.settings.checkpointInterval = .milliseconds(370) }
        if random.below(2) == 0 { options.settings.announcementDelay = .milliseconds(1) }
        options.sealsFiles = random.below(2) == 0
        options.settings.snapshotHoldPercent = [0, 50, 10_000][Int(random.below(3))]
        options.settings.snapshotWindowBytes = [0, 1_300, 1 << 20][Int(random.below(3))]
        if random.below(2) == 0 { options.settings.snapshotChunkBytes = 100 }
        // Many snapshots: then one is being written whenever a follower needs one.
        if random.below(2) == 0 { options.settings.snapshotAfterEntries = 15 }
        // Reads wait long for those alone that make a quorum.
        if random.below(3) == 0 { options.settings.readPatience = .milliseconds(60) }
        return options
    }

    /// Limits so small that every one of them is met within seconds.
    package static var smallSettings: RaftSettings {
        var settings = RaftSettings()
        settings.segmentBytes = 4096
        settings.snapshotAfterEntries = 40
        settings.trailingEntries = 8
        settings.snapshotChunkBytes = 600
        settings.snapshotPatience = .milliseconds(500)
        settings.maximumAppendBytes = 200
        settings.maximumInflightBytes = 800
        settings.maximumInflightMessages = 4
        settings.maximumUncommittedBytes = 4000
        settings.promotionTimeout = .seconds(3)
        settings.answerTimeout = .seconds(2)
        // Its entries would make other histories of all seeds.
        settings.checkpointInterval = nil
        return settings
    }
}
