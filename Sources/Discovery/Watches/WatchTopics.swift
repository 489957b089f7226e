import Store

/// Who waits for what: found by what was written, without looking at those who wait for something else.
struct WatchTopics {
    enum Limits {
        /// Topics that are kept although nobody waits, so that those who come back need not have the index counted anew.
        static let idle = 1_024
    }

    struct Topic {
        /// The revision of the last change; nil until somebody has looked it up.
        var index: UInt64?
        var waiters: [BlockingWaiter] = []
        /// Watchers that are told of every change.
        var feeds: [KeyFeed] = []
        /// Waiters that have gone by themselves and still stand in the list.
        var gone = 0
        fileprivate var isListedAsIdle = false

        var isIdle: Bool { waiters.isEmpty && feeds.isEmpty }

        /// Tells the watchers, and lets go of those that are too slow.
        mutating func publish(_ batch: ChangeBatch) -> [UnsafeContinuation<Void, Never>] {
            var woken: [UnsafeContinuation<Void, Never>] = []
            feeds.removeAll { feed in
                let (isSynced, waiter) = feed.publish(batch)
                if let waiter { woken.append(waiter) }
                return !isSynced
            }
            return woken
        }

        /// Takes out those for whom a change of that revision is news.
        mutating func takeWaiters(before revision: UInt64) -> [BlockingWaiter] {
            gone = 0
            guard waiters.contains(where: { $0.index >= revision }) else {
                defer { waiters = [] }
                return waiters
            }
            let woken = waiters.filter { $0.index < revision }
            waiters.removeAll { $0.index < revision || $0.isFinished }
            return woken
        }
    }

    private var topics: [WatchTopic: Topic] = [:]
    /// How many topics there are for prefixes of each length, by length.
    private var prefixLengths: [(length: Int, count: Int)] = []
    private var idle: [WatchTopic] = []

    var isEmpty: Bool { topics.isEmpty }
    var count: Int { topics.count }
    /// In no particular order: each of them is told the same.
    var allWaiters: [BlockingWaiter] { topics.values.flatMap(\.waiters) }
    /// The same.
    var allFeeds: [KeyFeed] { topics.values.flatMap(\.feeds) }

    subscript(_ key: WatchTopic) -> Topic? { topics[key] }

    /// Changes a topic, which is made where it is missing, and let go of some time after it is no longer needed.
    mutating func change(_ key: WatchTopic, _ body: (inout Topic) -> Void) {
        if topics[key] == nil { count(key, 1) }
        body(&topics[key, default: Topic()])
        listIdle(key)
    }

    /// Calls `body` with the topics that a row's write is a change of, and the version that it made.
    mutating func forEach(of write: RowWrite, _ body: (WatchTopic, inout Topic, KeyVersion?) -> Void) {
        if SessionState.isSessions(write) { return touch(.sessions) { body(.sessions, &$0, nil) } }
        guard write.part == KeyValueState.name, let version = KeyValueState.version(putBy: write) else { return }
        let key = WatchTopic.key(Array(version.key))
        touch(key) { body(key, &$0, version) }
        for (length, _) in prefixLengths {
            guard length <= version.key.count else { break }
            let prefix = WatchTopic.prefix(Array(version.key.prefix(length)))
            touch(prefix) { body(prefix, &$0, version) }
        }
    }

    private mutating func touch(_ key: WatchTopic, _ body: (inout Topic) -> Void) {
        guard let index = topics.index(forKey: key) else { return }
        body(&topics.values[index])
        listIdle(key)
    }

    private mutating func listIdle(_ key: WatchTopic) {
        guard let index = topics.index(forKey: key), topics.values[index].isIdle, !topics.values[index].isListedAsIdle
        else { return }
        topics.values[index].isListedAsIdle = true
        idle.append(key)
        guard idle.count > Limits.idle else { return }
        for key in idle.prefix(Limits.idle / 2) {
            topics[key]?.isListedAsIdle = false
            guard topics[key]?.isIdle == true else { continue }
            topics[key] = nil
            count(key, -1)
        }
        idle.removeFirst(Limits.idle / 2)
    }

    private mutating func count(_ topic: WatchTopic, _ change: Int) {
        guard case .prefix(let prefix) = topic else { return }
        let place = prefixLengths.firstIndex { $0.length >= prefix.count } ?? prefixLengths.count
        if place == prefixLengths.count || prefixLengths[place].length != prefix.count {
            prefixLengths.insert((prefix.count, 0), at: place)
        }
        prefixLengths[place].count += change
        if prefixLengths[place].count == 0 { prefixLengths.remove(at: place) }
    }
}
