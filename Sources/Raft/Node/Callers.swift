internal import Synchronization

/// Those who wait for the member's answer, each of whom is answered once: by the member's thread or, where that hangs in its disk,
/// by whoever notices.
final class Callers: Sendable {
    typealias Continuation = CheckedContinuation<RaftNode.Answer, any Error>
    private typealias Caller = (continuation: Continuation, deadline: MonotonicInstant)

    private struct State: Sendable {
        var waiting: [UInt64: Caller] = [:]
        var lastToken: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Returns the token by which the caller is answered.
    func add(_ continuation: Continuation, until deadline: MonotonicInstant) -> UInt64 {
        state.withLock { state in
            state.lastToken += 1
            state.waiting[state.lastToken] = (continuation, deadline)
            return state.lastToken
        }
    }

    /// Nothing happens where the caller has been answered already.
    func answer(_ token: UInt64, _ result: Result<RaftNode.Answer, any Error>) {
        state.withLock { $0.waiting.removeValue(forKey: token) }?.continuation.resume(with: result)
    }

    func answer(_ outcomes: [RaftDriver.Outcome]) {
        if outcomes.isEmpty { return }
        let callers = state.withLock { state in outcomes.map { state.waiting.removeValue(forKey: $0.token) } }
        for (caller, outcome) in zip(callers, outcomes) {
            let result = outcome.result.map { RaftNode.Answer(index: $0.index, bytes: $0.bytes) }
            caller?.continuation.resume(with: result.mapError { $0 as any Error })
        }
    }

    /// Refuses those whose time is over.
    func refuse(lateAt now: MonotonicInstant, _ error: RaftError) { refuse(error) { $0.deadline <= now } }

    func refuseAll(_ error: RaftError) { refuse(error) { _ in true } }

    private func refuse(_ error: RaftError, where isMeant: (Caller) -> Bool) {
        let refused = state.withLock { state in
            let tokens = state.waiting.filter { isMeant($0.value) }.keys.sorted()
            return tokens.compactMap { state.waiting.removeValue(forKey: $0) }
        }
        for caller in refused { caller.continuation.resume(throwing: error) }
    }
}
