internal import Synchronization

extension EventLoop {
    /// Waits once for a descriptor that has no watch; false when the timeout came first. Ends with the task.
    public nonisolated(nonsending) func wait(
        _ descriptor: Int32, for interest: Interest, timeout: Duration? = nil
    ) async throws -> Bool {
        let waiter = DescriptorWaiter()
        // The descriptor must not be closed by the caller while it is watched, so the watch ends before this returns.
        defer { waiter.release() }
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                guard waiter.begin(continuation) else { return continuation.resume(throwing: CancellationError()) }
                do {
                    waiter.hold(try watch(descriptor, for: interest) { _ in waiter.finish(.success(true)) })
                    if let timeout { waiter.hold(schedule(after: timeout) { waiter.finish(.success(false)) }) }
                } catch {
                    waiter.finish(.failure(error))
                }
            }
        } onCancel: {
            waiter.finish(.failure(CancellationError()))
        }
    }
}

/// The one who waits for a descriptor: woken once, by whatever comes first.
private final class DescriptorWaiter: Sendable {
    private struct State: Sendable {
        var isFinished = false
        var continuation: UnsafeContinuation<Bool, any Error>?
        var watch: EventLoop.Watch?
        var timer: EventLoop.Timer?
    }
    private let state = Mutex(State())

    func begin(_ continuation: UnsafeContinuation<Bool, any Error>) -> Bool {
        state.withLock { state in
            if state.isFinished { return false }
            state.continuation = continuation
            return true
        }
    }

    func hold(_ watch: EventLoop.Watch) {
        let late = state.withLock { state in
            state.watch = watch
            return state.isFinished
        }
        if late { watch.cancel() }
    }

    func hold(_ timer: EventLoop.Timer) {
        let late = state.withLock { state in
            state.timer = timer
            return state.isFinished
        }
        if late { timer.cancel() }
    }

    func finish(_ result: Result<Bool, any Error>) {
        let ended = state.withLock { state -> State? in
            if state.isFinished { return nil }
            defer { state = State(isFinished: true) }
            return state
        }
        ended?.watch?.cancel()
        ended?.timer?.cancel()
        ended?.continuation?.resume(with: result)
    }

    /// Cancels what was held too late to be cancelled by `finish`.
    func release() {
        let (watch, timer) = state.withLock { ($0.watch, $0.timer) }
        watch?.cancel()
        timer?.cancel()
    }
}
