@testable import Raft

/// `setting append-bytes 20`: a limit, for members that start from now on.
enum Setting: Verb {
    static let word = "setting"

    static func act(_ words: inout Words, on stage: Stage) throws {
        let name = try words.take("a setting")
        let value = Int(try words.number("a value"))
        switch name {
        case "append-bytes": stage.settings.maximumAppendBytes = value
        case "inflight-bytes": stage.settings.maximumInflightBytes = value
        case "inflight-messages": stage.settings.maximumInflightMessages = value
        case "uncommitted-bytes": stage.settings.maximumUncommittedBytes = value
        case "snapshot-chunk-bytes": stage.settings.snapshotChunkBytes = value
        case "snapshot-window-bytes": stage.settings.snapshotWindowBytes = value
        case "snapshot-patience-ms": stage.settings.snapshotPatience = .milliseconds(value)
        case "trailing-entries": stage.settings.trailingEntries = UInt64(value)
        case "announcement-ms": stage.settings.announcementDelay = .milliseconds(value)
        case "leases": stage.settings.allowsLeases = value == 1
        default: throw ScenarioError("no setting \(name)")
        }
    }
}
