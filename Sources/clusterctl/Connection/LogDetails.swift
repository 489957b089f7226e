/// The head of a log line asked for with `details=1`: `[TIMESTAMP ]com.docker.swarm.node.id=...,...task.id=... TEXT`.
struct LogDetails: Equatable {
    var taskID: String
    /// With the space behind it; empty where none was asked for.
    var timestamp: [UInt8]
    var text: [UInt8]

    private static let prefix = Array("com.docker.swarm.".utf8)
    private static let taskKey = "com.docker.swarm.task.id="

    /// An entry without such a head is all text.
    static func split(_ entry: [UInt8]) -> LogDetails {
        var rest = entry[...]
        var timestamp: [UInt8] = []
        if !rest.starts(with: prefix), let space = rest.firstIndex(of: 32), space < 64 {
            let behind = rest[(space + 1)...]
            if behind.starts(with: prefix) {
                timestamp = Array(rest[...space])
                rest = behind
            }
        }
        guard rest.starts(with: prefix), let space = rest.firstIndex(of: 32) else {
            return LogDetails(taskID: "", timestamp: [], text: entry)
        }
        let details = String(decoding: rest[..<space], as: UTF8.self).split(separator: ",")
        let task = details.first { $0.hasPrefix(taskKey) }?.dropFirst(taskKey.count) ?? ""
        return LogDetails(taskID: String(task), timestamp: timestamp, text: Array(rest[(space + 1)...]))
    }
}
