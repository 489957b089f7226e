import HTTP
public import Platform
public import Store
import Synchronization

/// Wakes those who wait for a change of a key, and nobody else. It hears of changes on the thread that applies them, takes
/// out who is concerned, and leaves the waking to its loop.
public final class WatchHub: PartObserver {
    enum Limits {
        /// Blocking queries and watchers at a time (503).
        static let waiters = 32_768
    }

    private struct State {
        var topics = WatchTopics()
        var waiting = 0
        /// The last revision that those who are told of changes were told of.
        var published: UInt64
        let limit: Int
    }

    /// Not held: it holds this, and whoever uses this holds it.
    unowned let store: Store
    let loop: EventLoop
    /// Of this member, where another leads.
    let questions: LeaderQuestions
    let consistentQuestions: LeaderQuestions
    /// Of the others, where this member leads.
    let confirmations: LeaderQuestions
    private let state: Mutex<State>

    /// - Parameter loop: keeps the time, and wakes.
    public convenience init(store: Store, loop: EventLoop) {
        self.init(store: store, loop: loop, waiterLimit: Limits.waiters)
    }

    init(store: Store, loop: EventLoop, waiterLimit: Int) {
        self.store = store
        self.loop = loop
        questions = LeaderQuestions(on: loop)
        consistentQuestions = LeaderQuestions(on: loop)
        confirmations = LeaderQuestions(on: loop)
        state = Mutex(State(published: store.revision, limit: waiterLimit))
        store.observe(self)
    }

    /// How many wait.
    var waiting: Int { state.withLock { $0.waiting } }
    /// How many topics are held, with or without somebody who waits.
    var topicCount: Int { state.withLock { $0.topics.count } }

    // MARK: Waiting

    /// Waits for a change of what is read beyond the index.
    ///
    /// - Returns: the answer, or nil where the time was over first.
    /// - Throws: `HTTPError` 503 where too many wait already; `CancellationError`.
    nonisolated(nonsending) func answer(
        to read: DiscoveryRead, after index: UInt64, within limit: Duration
    ) async throws -> DiscoveryAnswer? {
        let deadline = MonotonicClock.nanoseconds() &+ limit.nanoseconds
        while true {
            let waiter = BlockingWaiter(index: index)
            try enter(waiter, read.topic)
            defer { leave(waiter, read.topic) }
            // Looked up once the waiter is heard: a change in between is seen here, or wakes it.
            if self.index(of: read.topic) > index { return read.answer(from: store.snapshot) }
            let rest = Duration.nanoseconds(max(0, deadline &- MonotonicClock.nanoseconds()))
            let timer = loop.schedule(after: rest) { waiter.finish(.timedOut) }
            defer { timer.cancel() }
            switch await waiter.outcome() {
            case .changed(let answers): return answers.answer(to: read)
            case .replaced: continue
            case .timedOut: return nil
            case .cancelled: throw CancellationError()
            }
        }
    }

    private func enter(_ waiter: BlockingWaiter, _ topic: WatchTopic) throws(HTTPError) {
        try enter()
        state.withLock { state in state.topics.change(topic) { $0.waiters.append(waiter) } }
    }

    private static let full = HTTPError(
        .serviceUnavailable,
        "too many blocking queries wait on this manager already; ask another one, or ask without 'index'")

    private func leave(_ waiter: BlockingWaiter, _ topic: WatchTopic) {
        waiter.finish(.cancelled)
        state.withLock { state in
            state.waiting -= 1
            state.topics.change(topic) { topic in
                topic.gone += 1
                guard topic.gone * 2 > topic.waiters.count else { return }
                topic.waiters.removeAll { $0.isFinished }
                topic.gone = 0
            }
        }
    }

    /// The topic's index; counted only where nobody did since the topic is held.
    private func index(of topic: WatchTopic) -> UInt64 {
        if let index = state.withLock({ $0.topics[topic]?.index }) { return index }
        let counted = topic.index(in: store.snapshot)
        return state.withLock { state in
            guard let known = state.topics[topic] else { return counted }
            // What was published meanwhile counts.
            let index = max(counted, known.index ?? 0)
            state.topics.change(topic) { $0.index = index }
            return index
        }
    }

    // MARK: Watching

    var published: UInt64 { state.withLock { $0.published } }

    /// - Throws: `HTTPError` 503 where there are too many already.
    func checkRoom() throws(HTTPError) {
        if state.withLock({ $0.waiting >= $0.limit }) { throw Self.full }
    }

    /// Counts one more, who is to leave again.
    func enter() throws(HTTPError) {
        let isFull = state.withLock { state in
            guard state.waiting < state.limit else { return true }
            state.waiting += 1
            return false
        }
        if isFull { throw Self.full }
    }

    /// Tells the feed of all changes from now on, unless there were some since the revision that it has read up to.
    func attach(_ feed: KeyFeed, at position: UInt64) {
        state.withLock { state in
            guard state.published <= position else { return }
            state.topics.change(feed.topic) { $0.feeds.append(feed) }
            feed.sync(at: position)
        }
    }

    func leave(_ feed: KeyFeed) {
        feed.end()
        state.withLock { state in
            state.waiting -= 1
            state.topics.change(feed.topic) { topic in topic.feeds.removeAll { $0 === feed } }
        }
    }

    /// Ends all waiting: this member stops. Who waited is told so.
    public func stop() {
        let (waiters, feeds) = state.withLock { state in
            defer { state.topics = WatchTopics() }
            return (state.topics.allWaiters, state.topics.allFeeds)
        }
        for waiter in waiters { waiter.finish(.cancelled) }
        for feed in feeds { feed.end() }
    }

    // MARK: Hearing of changes

    /// Wakes those who wait for what these rows hold.
    public func applied(_ writes: [RowWrite], revision: UInt64) {
        let woken = state.withLock { state -> Woken in
            defer { state.published = max(state.published, revision) }
            var woken = Woken()
            guard !state.topics.isEmpty else { return woken }
            var news: [WatchTopic: [KeyVersion]] = [:]
            for write in writes {
                state.topics.forEach(of: write) { key, topic, version in
                    topic.index = max(topic.index ?? 0, revision)
                    woken.waiters += topic.takeWaiters(before: revision)
                    if let version, !topic.feeds.isEmpty { news[key, default: []].append(version) }
                }
            }
            // In no particular order: no two topics have a watcher in common.
            for (key, versions) in news {
                let batch = ChangeBatch(revision: revision, versions: versions)
                state.topics.change(key) { woken.watchers += $0.publish(batch) }
            }
            return woken
        }
        guard !woken.isEmpty else { return }
        loop.submit { [store] in
            let answers = SharedAnswers(store: store)
            for waiter in woken.waiters { waiter.finish(.changed(answers)) }
            for watcher in woken.watchers { watcher.resume() }
        }
    }

    /// Wakes everybody: the state is another one.
    public func replaced() {
        let woken = state.withLock { state in
            var woken = Woken(waiters: state.topics.allWaiters)
            woken.watchers = state.topics.allFeeds.compactMap { $0.unsync(after: state.published) }
            state.topics = WatchTopics()
            state.published = max(state.published, store.revision)
            return woken
        }
        loop.submit {
            for waiter in woken.waiters { waiter.finish(.replaced) }
            for watcher in woken.watchers { watcher.resume() }
        }
    }

    /// Who is to be woken, once no lock is held.
    private struct Woken: Sendable {
        var waiters: [BlockingWaiter] = []
        var watchers: [UnsafeContinuation<Void, Never>] = []
        var isEmpty: Bool { waiters.isEmpty && watchers.isEmpty }
    }
}
