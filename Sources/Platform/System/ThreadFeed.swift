internal import Dispatch
internal import Synchronization

/// Bytes that a task has, for a thread of its own that takes them piece by piece and may block: `ThreadedPieces` the other way
/// round. The task waits while pieces wait to be taken.
public final class ThreadFeed: Sendable {
    private struct State {
        var pieces: [[UInt8]] = []
        var end: Result<Void, any Error>?
        var isAbandoned = false
        var putter: CheckedContinuation<Void, Never>?
    }

    /// Pieces that wait to be taken.
    private static let limit = 4

    private let state = Mutex(State())
    /// Counts what waits, the end included.
    private let waiting = DispatchSemaphore(value: 0)

    private init() {}

    /// Runs `body` on a thread of that name; its argument gives one piece after the other, and an empty array at the end. What
    /// the pieces' source throws, it throws.
    public nonisolated(nonsending) static func run<Pieces: AsyncSequence & Sendable, Value: Sendable>(
        named name: String, over pieces: Pieces,
        _ body: @escaping @Sendable (_ next: @escaping () throws -> [UInt8]) throws -> Value
    ) async throws -> Value where Pieces.Element == [UInt8] {
        let feed = ThreadFeed()
        async let value = runOnThread(named: name) {
            defer { feed.abandon() }
            return try body { try feed.take() }
        }
        do {
            for try await piece in pieces where !piece.isEmpty {
                guard await feed.put(piece) else { break }
            }
            feed.end(.success(()))
        } catch {
            feed.end(.failure(error))
        }
        return try await value
    }

    /// False where nobody takes any more.
    private func put(_ piece: [UInt8]) async -> Bool {
        await withCheckedContinuation { continuation in
            let goesOn = state.withLock { state in
                state.pieces.append(piece)
                if state.isAbandoned || state.pieces.count < Self.limit { return true }
                state.putter = continuation
                return false
            }
            waiting.signal()
            if goesOn { continuation.resume() }
        }
        return state.withLock { !$0.isAbandoned }
    }

    private func end(_ result: Result<Void, any Error>) {
        state.withLock { $0.end = result }
        waiting.signal()
    }

    private func take() throws -> [UInt8] {
        waiting.wait()
        let (piece, end, putter) = state.withLock { state in
            defer { state.putter = nil }
            return (state.pieces.isEmpty ? nil : state.pieces.removeFirst(), state.end, state.putter)
        }
        putter?.resume()
        if let piece { return piece }
        // Whoever asks once more is told so once more.
        waiting.signal()
        try end?.get()
        return []
    }

    private func abandon() {
        let putter = state.withLock { state in
            state.isAbandoned = true
            defer { state.putter = nil }
            return state.putter
        }
        putter?.resume()
    }
}
