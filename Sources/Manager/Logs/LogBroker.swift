internal import Model
internal import Synchronization

/// Which reading the lines that agents send belong to: an agent answers to a subscription, and says its id with every line.
final class LogBroker: Sendable {
    private struct Subscription {
        let nodeID: String
        let reading: LogReading
    }

    private let subscriptions = Mutex<[String: Subscription]>([:])

    /// Before the agent is asked, so that no line is lost.
    func add(_ id: String, from nodeID: String, to reading: LogReading) {
        subscriptions.withLock { $0[id] = Subscription(nodeID: nodeID, reading: reading) }
    }

    func remove(_ id: String) { _ = subscriptions.withLock { $0.removeValue(forKey: id) } }

    /// Lines of an agent that was not asked for them are dropped.
    func deliver(_ entries: [LogEntry], to id: String, from nodeID: String) {
        subscriptions.withLock { $0[id] }.flatMap { $0.nodeID == nodeID ? $0.reading : nil }?.deliver(entries, of: id)
    }

    /// The agent has no more lines.
    func end(_ id: String, from nodeID: String, error: String? = nil) {
        let reading = subscriptions.withLock { subscriptions -> LogReading? in
            guard subscriptions[id]?.nodeID == nodeID else { return nil }
            return subscriptions.removeValue(forKey: id)?.reading
        }
        reading?.end(of: id, error.map { .failed($0) } ?? .complete)
    }

    /// A node's agent went away: nothing more comes from it for now.
    func lost(_ nodeID: String) {
        let ended = subscriptions.withLock { subscriptions in
            let ended = subscriptions.filter { $0.value.nodeID == nodeID }
            for id in ended.keys { subscriptions[id] = nil }
            return ended
        }
        for (id, subscription) in ended { subscription.reading.end(of: id, .lost) }
    }

    /// How many agents are being listened to.
    var count: Int { subscriptions.withLock { $0.count } }
}
