internal import Synchronization

extension EventLoop {
    /// Runs `body` on the loop's thread once, not before the delay has passed.
    @discardableResult
    public func schedule(after delay: Duration, _ body: @escaping @Sendable () -> Void) -> Timer {
        let deadline = MonotonicClock.nanoseconds() &+ max(0, delay.nanoseconds)
        let timer = Timer(loop: self, deadline: deadline, body: body)
        let wake = state.withLock { state in
            guard state.phase == .serving else { return false }
            state.timers.insert(timer)
            return state.timers.earliest == deadline && wakeIfPolling(&state)
        }
        if wake { ring() }
        return timer
    }

    /// Waits on this loop for the delay, or until the task is cancelled.
    public nonisolated(nonsending) func sleep(for delay: Duration) async throws(CancellationError) {
        let waiter = SleepWaiter()
        let woken = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                guard waiter.begin(continuation) else { return continuation.resume(returning: false) }
                let timer = schedule(after: delay) { waiter.finish(true) }
                if waiter.isFinished { timer.cancel() }
            }
        } onCancel: {
            waiter.finish(false)
        }
        if !woken { throw CancellationError() }
    }

    func fireTimers() {
        while true {
            let timer = state.withLock { state -> Timer? in
                guard let deadline = state.timers.earliest, deadline <= MonotonicClock.nanoseconds() else { return nil }
                return state.timers.popEarliest()
            }
            guard let timer else { return }
            timer.body()
        }
    }

    /// A body that waits for its time.
    public final class Timer: Sendable {
        private let loop: EventLoop
        let deadline: Int64
        let body: @Sendable () -> Void
        // Where the heap keeps this timer, -1 when it does not; guarded by the loop's lock.
        nonisolated(unsafe) fileprivate(set) var position = -1

        fileprivate init(loop: EventLoop, deadline: Int64, body: @escaping @Sendable () -> Void) {
            self.loop = loop
            self.deadline = deadline
            self.body = body
        }

        /// Forgets the body. Called on the loop's thread, it does not run afterwards; from another thread it may be under way.
        public func cancel() {
            loop.state.withLock { $0.timers.remove(self) }
        }
    }
}

/// The one who sleeps: woken once, by the timer or by cancellation, whichever comes first, also before the sleep has begun.
private final class SleepWaiter: Sendable {
    private enum State {
        case idle
        case waiting(UnsafeContinuation<Bool, Never>)
        case finished
    }
    private let state = Mutex(State.idle)

    var isFinished: Bool {
        state.withLock { if case .finished = $0 { true } else { false } }
    }

    func begin(_ continuation: UnsafeContinuation<Bool, Never>) -> Bool {
        state.withLock { state in
            guard case .idle = state else { return false }
            state = .waiting(continuation)
            return true
        }
    }

    func finish(_ value: Bool) {
        let continuation = state.withLock { state -> UnsafeContinuation<Bool, Never>? in
            defer { state = .finished }
            guard case .waiting(let continuation) = state else { return nil }
            return continuation
        }
        continuation?.resume(returning: value)
    }
}

/// A binary heap of timers by deadline, each knowing its place, so that cancelling costs no search.
struct TimerHeap: Sendable {
    private var timers: [EventLoop.Timer] = []

    var count: Int { timers.count }
    var earliest: Int64? { timers.first?.deadline }

    mutating func insert(_ timer: EventLoop.Timer) {
        timer.position = timers.count
        timers.append(timer)
        siftUp(timer.position)
    }

    mutating func popEarliest() -> EventLoop.Timer? {
        guard let first = timers.first else { return nil }
        remove(first)
        return first
    }

    mutating func remove(_ timer: EventLoop.Timer) {
        let position = timer.position
        guard position >= 0 else { return }
        timer.position = -1
        let last = timers.removeLast()
        guard position < timers.count else { return }
        timers[position] = last
        last.position = position
        siftDown(position)
        siftUp(last.position)
    }

    mutating func removeAll() {
        for timer in timers { timer.position = -1 }
        timers.removeAll()
    }

    private mutating func siftUp(_ start: Int) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard timers[child].deadline < timers[parent].deadline else { return }
            exchange(child, parent)
            child = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var parent = start
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < timers.count && timers[child].deadline < timers[least].deadline {
                least = child
            }
            guard least != parent else { return }
            exchange(parent, least)
            parent = least
        }
    }

    private mutating func exchange(_ left: Int, _ right: Int) {
        timers.swapAt(left, right)
        timers[left].position = left
        timers[right].position = right
    }
}
