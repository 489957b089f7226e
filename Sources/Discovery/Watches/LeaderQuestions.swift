import Platform
import Synchronization

/// Lets many who want to know the same of the leader ask together: one question is under way, and all who came while it was
/// share the next, which begins after each of them had asked.
final class LeaderQuestions: Sendable {
    typealias Question = @Sendable () async throws -> Void

    private enum Turn: Sendable {
        /// Somebody else asked.
        case told(Result<Void, any Error>)
        /// Ask, also for these.
        case ask([Waiter])
    }
    private typealias Waiter = CheckedContinuation<Turn, Never>

    private struct State {
        var isAsking = false
        var waiting: [Waiter] = []
    }

    private let loop: EventLoop
    private let state = Mutex(State())

    /// - Parameter loop: on which questions are asked.
    init(on loop: EventLoop) { self.loop = loop }

    /// Returns once a question has been answered that was asked after the call began.
    nonisolated(nonsending) func ask(_ question: @escaping Question) async throws {
        let isFree = state.withLock { state in
            defer { state.isAsking = true }
            return !state.isAsking
        }
        let turn = isFree ? Turn.ask([]) : await wait()
        switch turn {
        case .told(let result): try result.get()
        case .ask(let others): try await ask(question, for: others)
        }
    }

    private nonisolated(nonsending) func wait() async -> Turn {
        await withCheckedContinuation { waiter in
            // The one who asks may have ended in between.
            let isFree = state.withLock { state in
                defer { state.isAsking = true }
                if state.isAsking { state.waiting.append(waiter) }
                return !state.isAsking
            }
            if isFree { waiter.resume(returning: .ask([])) }
        }
    }

    private nonisolated(nonsending) func ask(_ question: @escaping Question, for others: [Waiter]) async throws {
        // Not structured: a client that leaves takes its own request with it, not what others wait for.
        let result = await Task(executorPreference: loop) { try await question() }.result
        let next = state.withLock { state -> [Waiter] in
            defer { state.waiting = [] }
            state.isAsking = !state.waiting.isEmpty
            return state.waiting
        }
        if let first = next.first { first.resume(returning: .ask(Array(next.dropFirst()))) }
        for other in others { other.resume(returning: .told(result)) }
        try result.get()
    }
}
