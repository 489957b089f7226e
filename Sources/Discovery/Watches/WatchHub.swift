import HTTP
public import Platform
public import Store
import Synchronization

/// Wakes those who wait for a change of a key, and nobody else. It hears of changes on the thread that applies them, takes
/// out who is concerned, and leaves the waking to its loop.
public final class WatchHub: PartObserver {
    enum Limits {
        /// Blocking queries that wait at a time (503).
        static let waiters = 32_768
    }

    private struct State {
        var topics = WatchTopics()
        var waiting = 0
        let limit: Int
    }

    /// Not held: it holds this, and whoever uses this holds it.
    unowned let store: Store
    let loop: EventLoop
    private let state: Mutex<State>

    /// - Parameter loop: keeps the time, and wakes.
    public convenience init(store: Store, loop: EventLoop) {
        self.init(store: store, loop: loop, waiterLimit: Limits.waiters)
    }

    init(store: Store, loop: EventLoop, waiterLimit: Int) {
        self.store = store
        self.loop = loop
        state = Mutex(State(limit: waiterLimit))
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
        let isFull = state.withLock { state in
            guard state.waiting < state.limit else { return true }
            state.waiting += 1
            state.topics.change(topic) { $0.waiters.append(waiter) }
            return false
        }
        if isFull {
            throw HTTPError(
                .serviceUnavailable,
                "too many blocking queries wait on this manager already; ask another one, or ask without 'index'")
        }
    }

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

    // MARK: Hearing of changes

    /// Wakes those who wait for what these rows hold.
    public func applied(_ writes: [RowWrite], revision: UInt64) {
        let woken = state.withLock { state -> [BlockingWaiter] in
            guard !state.topics.isEmpty else { return [] }
            var woken: [BlockingWaiter] = []
            for write in writes {
                state.topics.forEach(of: write) { topic in
                    topic.index = max(topic.index ?? 0, revision)
                    woken += topic.takeWaiters(before: revision)
                }
            }
            return woken
        }
        guard !woken.isEmpty else { return }
        loop.submit { [store] in
            let answers = SharedAnswers(store: store)
            for waiter in woken { waiter.finish(.changed(answers)) }
        }
    }

    /// Wakes everybody: the state is another one.
    public func replaced() {
        let woken = state.withLock { state in
            // In no particular order: who waits learns only that it is to look again.
            defer { state.topics = WatchTopics() }
            return state.topics.allWaiters
        }
        loop.submit { for waiter in woken { waiter.finish(.replaced) } }
    }
}
