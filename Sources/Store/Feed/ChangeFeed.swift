internal import Synchronization

/// What a watcher gets to see, in the order of revisions.
public enum ChangeEvent: Sendable {
    case changes(revision: UInt64, [Change])
    /// The watcher was too slow, or the state was replaced by a snapshot: what it knows is to be read again from a view.
    case lagged

    /// Whether an object of the table may be another than before.
    public func mayConcern(_ table: String) -> Bool {
        switch self {
        case .changes(_, let changes): changes.contains { $0.table == table }
        case .lagged: true
        }
    }
}

/// The applied changes since a snapshot, for one watcher. It never holds up who applies: what does not fit its buffer
/// is dropped and said once by `.lagged`. Ends when cancelled, or when its task is.
public final class ChangeFeed: AsyncSequence, Sendable {
    private struct Buffer {
        var events: [ChangeEvent] = []
        var changes = 0
        var lagged = false
        var ended = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let buffer = Mutex(Buffer())
    /// The most changes kept for a slow watcher.
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    var isEnded: Bool { buffer.withLock { $0.ended } }

    func publish(_ event: ChangeEvent) {
        let waiter = buffer.withLock { buffer -> CheckedContinuation<Void, Never>? in
            guard !buffer.ended else { return nil }
            switch event {
            case .changes(_, let changes):
                guard !buffer.lagged else { break }
                if buffer.changes + changes.count > limit {
                    buffer.lagged = true
                    buffer.events = []
                } else {
                    buffer.events.append(event)
                    buffer.changes += changes.count
                }
            case .lagged:
                buffer.lagged = true
                buffer.events = []
            }
            defer { buffer.waiter = nil }
            return buffer.waiter
        }
        waiter?.resume()
    }

    /// Ends the sequence; what was buffered is dropped.
    public func cancel() {
        let waiter = buffer.withLock { buffer -> CheckedContinuation<Void, Never>? in
            buffer.ended = true
            buffer.events = []
            defer { buffer.waiter = nil }
            return buffer.waiter
        }
        waiter?.resume()
    }

    /// Everything that is there, waiting for the first; nil at the end. One consumer at a time.
    ///
    /// After `.lagged` the events go on from the revision of a view that is taken *after* it was received.
    public func nextBatch() async -> [ChangeEvent]? {
        await withTaskCancellationHandler {
            while true {
                let taken = take()
                if let taken { return taken.isEmpty ? nil : taken }
                await withCheckedContinuation { continuation in
                    let isReady = buffer.withLock { buffer in
                        if buffer.ended || buffer.lagged || !buffer.events.isEmpty { return true }
                        buffer.waiter = continuation
                        return false
                    }
                    if isReady { continuation.resume() }
                }
            }
        } onCancel: {
            cancel()
        }
    }

    /// Nil: nothing there; empty: the end.
    private func take() -> [ChangeEvent]? {
        buffer.withLock { buffer in
            if buffer.ended { return [] }
            if buffer.lagged {
                buffer.lagged = false
                buffer.changes = 0
                return [.lagged]
            }
            guard !buffer.events.isEmpty else { return nil }
            defer {
                buffer.events = []
                buffer.changes = 0
            }
            return buffer.events
        }
    }

    /// Takes one event after the other; nil once the feed has ended.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let feed: ChangeFeed
        var pending: ArraySlice<ChangeEvent> = []

        public mutating func next() async -> ChangeEvent? {
            if pending.isEmpty {
                guard let batch = await feed.nextBatch() else { return nil }
                pending = batch[...]
            }
            return pending.popFirst()
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(feed: self) }
}
