import Platform
import Store
import Synchronization

/// The changes of one topic, in order, each once, for one watcher. While it keeps up it is told of changes as they are
/// applied (synced); one that is slow reads them from the history instead until it has caught up, and holds up nobody.
final class KeyFeed: Sendable {
    enum Limits {
        /// Changes, and their bytes, that wait for a slow watcher before it is sent to the history.
        static let batches = 256
        static let bytes = 256 << 10
        /// Versions of the history that are looked at between two deliveries, and bytes that are delivered at once.
        static let scan = 2_000
        static let delivery = 1 << 20
    }

    enum Event: Sendable {
        case changes([ChangeBatch])
        /// Nothing else happened up to this revision.
        case progress(UInt64)
        /// The history that it needed is gone up to this revision.
        case compacted(UInt64)
    }

    private struct State {
        /// Everything up to it was delivered, is in the buffer, or is none of the topic's.
        var position: UInt64
        var buffer: [ChangeBatch] = []
        var bytes = 0
        var isSynced = false
        var isEnded = false
        var isLate = false
        var waiter: UnsafeContinuation<Void, Never>?
    }

    let topic: WatchTopic
    private let state: Mutex<State>

    /// - Parameter position: the revision after which it begins.
    init(_ topic: WatchTopic, after position: UInt64) {
        self.topic = topic
        state = Mutex(State(position: position))
    }

    var isSynced: Bool { state.withLock { $0.isSynced } }

    // MARK: The hub's side

    /// Takes what was applied, unless that is too much by now.
    ///
    /// - Returns: whether it is still synced, and who is to be woken.
    func publish(_ batch: ChangeBatch) -> (isSynced: Bool, waiter: UnsafeContinuation<Void, Never>?) {
        state.withLock { state in
            guard state.isSynced, !state.isEnded else { return (false, nil) }
            guard batch.revision > state.position else { return (true, nil) }
            let bytes = batch.bytes
            let isFull = state.buffer.count >= Limits.batches || state.bytes + bytes > Limits.bytes
            if isFull, !state.buffer.isEmpty {
                // Everything before was told, so the history is needed from here on only.
                state.position = batch.revision - 1
                state.isSynced = false
                return (false, nil)
            }
            state.position = batch.revision
            state.buffer.append(batch)
            state.bytes += bytes
            defer { state.waiter = nil }
            return (true, state.waiter)
        }
    }

    /// Begins to be told, all up to the position being known.
    func sync(at position: UInt64) {
        state.withLock { state in
            state.position = max(state.position, position)
            state.isSynced = !state.isEnded
        }
    }

    /// The state was replaced: what came after what was told is in the history, if anywhere.
    func unsync(after published: UInt64) -> UnsafeContinuation<Void, Never>? {
        state.withLock { state in
            if state.isSynced { state.position = max(state.position, published) }
            state.isSynced = false
            defer { state.waiter = nil }
            return state.waiter
        }
    }

    func end() {
        let waiter = state.withLock { state -> UnsafeContinuation<Void, Never>? in
            state.isEnded = true
            state.isSynced = false
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    // MARK: The watcher's side

    /// The next event; waits for it. Nil once it has ended, or the task was cancelled.
    ///
    /// - Parameter patience: after which it says how far it is where nothing happens.
    nonisolated(nonsending) func next(_ hub: WatchHub, patience: Duration) async -> Event? {
        while true {
            if let event = poll(hub) { return event }
            if state.withLock({ $0.isEnded }) { return nil }
            if let progress = await wait(hub, patience) { return .progress(progress) }
        }
    }

    /// What there is to be told, without waiting for it: nil where it is synced and nothing came, and once it has ended.
    func poll(_ hub: WatchHub) -> Event? {
        while true {
            let (ready, catchUp) = state.withLock { state -> ([ChangeBatch], UInt64?) in
                if state.isEnded { return ([], nil) }
                defer { (state.buffer, state.bytes) = ([], 0) }
                return (state.buffer, state.buffer.isEmpty && !state.isSynced ? state.position : nil)
            }
            if !ready.isEmpty { return .changes(ready) }
            guard let catchUp else { return nil }
            if let event = readHistory(after: catchUp, hub) { return event }
        }
    }

    /// Reads a piece of the history, and is synced at its end. Nil where there was nothing to deliver.
    private func readHistory(after position: UInt64, _ hub: WatchHub) -> Event? {
        let snapshot = hub.store.snapshot
        let keys = snapshot.part(KeyValueState.self)
        if position < keys.compacted { return .compacted(keys.compacted) }
        var batches: [(revision: UInt64, versions: [KeyVersion])] = []
        var reached = position
        var (seen, bytes) = (0, 0)
        var isWhole = true
        keys.forEachVersion(after: position) { version in
            if version.modify != reached, seen >= Limits.scan || bytes >= Limits.delivery {
                isWhole = false
                return false
            }
            reached = version.modify
            seen += 1
            guard topic.contains(version.key) else { return true }
            bytes += version.rowCount
            if batches.last?.revision == version.modify {
                batches[batches.count - 1].versions.append(version)
            } else {
                batches.append((version.modify, [version]))
            }
            return true
        }
        if isWhole { reached = max(reached, snapshot.revision) }
        state.withLock { $0.position = max($0.position, reached) }
        if isWhole { hub.attach(self, at: reached) }
        if batches.isEmpty { return nil }
        return .changes(batches.map { ChangeBatch(revision: $0.revision, versions: $0.versions) })
    }

    /// - Returns: where the time was over before anything came, up to which revision nothing did.
    private nonisolated(nonsending) func wait(_ hub: WatchHub, _ patience: Duration) async -> UInt64? {
        state.withLock { $0.isLate = false }
        let timer = hub.loop.schedule(after: patience) { [self] in wake() }
        defer { timer.cancel() }
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let isReady = state.withLock { state in
                    if state.isEnded || state.isLate || !state.isSynced || !state.buffer.isEmpty { return true }
                    state.waiter = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            end()
        }
        // In this order: what was published by then is in the buffer.
        let published = hub.published
        return state.withLock { state in
            state.isEnded || !state.isSynced || !state.buffer.isEmpty ? nil : max(published, state.position)
        }
    }

    private func wake() {
        let waiter = state.withLock { state in
            state.isLate = true
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
}
