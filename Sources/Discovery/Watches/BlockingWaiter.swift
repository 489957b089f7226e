import Synchronization

/// One blocking query that waits: ended once, by whatever comes first, also before it has begun.
final class BlockingWaiter: Sendable {
    enum Outcome: Sendable {
        /// The topic changed; those who waited for the same share the answer.
        case changed(SharedAnswers)
        /// Look again: the state was replaced as a whole.
        case replaced
        case timedOut
        case cancelled
    }

    private enum State {
        case idle
        case waiting(UnsafeContinuation<Outcome, Never>)
        case finished(Outcome)
    }

    /// Only a change beyond it ends the waiting.
    let index: UInt64
    private let state = Mutex(State.idle)

    init(index: UInt64) { self.index = index }

    var isFinished: Bool {
        state.withLock { if case .finished = $0 { true } else { false } }
    }

    func finish(_ outcome: Outcome) {
        let continuation = state.withLock { state -> UnsafeContinuation<Outcome, Never>? in
            if case .finished = state { return nil }
            defer { state = .finished(outcome) }
            guard case .waiting(let continuation) = state else { return nil }
            return continuation
        }
        continuation?.resume(returning: outcome)
    }

    nonisolated(nonsending) func outcome() async -> Outcome {
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let outcome = state.withLock { state -> Outcome? in
                    if case .finished(let outcome) = state { return outcome }
                    state = .waiting(continuation)
                    return nil
                }
                if let outcome { continuation.resume(returning: outcome) }
            }
        } onCancel: {
            finish(.cancelled)
        }
    }
}
