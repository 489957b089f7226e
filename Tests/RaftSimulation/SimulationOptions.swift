package import Raft

/// What a simulation is made of.
package struct SimulationOptions: Sendable {
    package var members = 3
    /// Members beyond `members` that run and may be voted in.
    package var spares = 0
    /// How long faults and clients go on, in virtual milliseconds.
    package var chaosMilliseconds: UInt64 = 5_000
    /// How long the healed group has to write again everywhere.
    package var healMilliseconds: UInt64 = 10_000
    /// A client acts about this often.
    package var clientMilliseconds: UInt64 = 40
    /// A fault happens about this often; 0 is never.
    package var faultMilliseconds: UInt64 = 350
    package var crashes = true
    package var partitions = true
    package var fullDisks = true
    package var settings = SimulationOptions.smallSettings

    package init() {}

    /// Limits so small that every one of them is met within seconds.
    package static var smallSettings: RaftSettings {
        var settings = RaftSettings()
        settings.segmentBytes = 4096
        settings.snapshotAfterEntries = 40
        settings.trailingEntries = 8
        settings.snapshotChunkBytes = 600
        settings.maximumAppendBytes = 200
        settings.maximumInflightBytes = 800
        settings.maximumInflightMessages = 4
        settings.maximumUncommittedBytes = 4000
        settings.answerTimeout = .seconds(2)
        return settings
    }
}
