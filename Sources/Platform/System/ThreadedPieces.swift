internal import Dispatch
internal import Synchronization

/// Bytes that a thread of its own makes, which may block, for a task that takes them piece by piece. The thread waits while
/// pieces wait to be taken, and is told by an error when nobody wants them any more.
///
/// Iterated once.
public struct ThreadedPieces: AsyncSequence, Sendable {
    /// Calls its argument with each piece; what that throws is to be thrown on.
    public typealias Producer = @Sendable (_ put: ([UInt8]) throws -> Void) throws -> Void

    private let name: String
    private let produce: Producer

    /// The thread begins with the first iteration. What it throws, the iteration throws at the end.
    public init(named name: String, _ produce: @escaping Producer) {
        self.name = name
        self.produce = produce
    }

    public func makeAsyncIterator() -> Iterator {
        let passage = Passage()
        do {
            try launchThread(named: name) { [produce] in
                passage.end(Result { try produce { try passage.put($0) } })
            }
        } catch {
            passage.end(.failure(error))
        }
        return Iterator(passage: passage)
    }

    /// Takes one piece after the other; nil at the end.
    public struct Iterator: AsyncIteratorProtocol {
        private let taker: Taker

        fileprivate init(passage: Passage) { taker = Taker(passage) }

        public mutating func next() async throws -> [UInt8]? { try await taker.passage.take() }
    }

    /// Its end tells the thread that nobody takes any more.
    private final class Taker: Sendable {
        let passage: Passage

        init(_ passage: Passage) { self.passage = passage }

        deinit { passage.abandon() }
    }
}

/// Where the pieces wait.
private final class Passage: Sendable {
    private struct State {
        var pieces: [[UInt8]] = []
        var end: Result<Void, any Error>?
        var isAbandoned = false
        var taker: CheckedContinuation<Void, Never>?
    }

    /// Pieces that wait to be taken.
    private static let limit = 4

    private let state = Mutex(State())
    /// Counts free places; begins at zero, for one that is let go below where it began is taken for a mistake.
    private let places = DispatchSemaphore(value: 0)

    init() { for _ in 0..<Self.limit { places.signal() } }

    func put(_ piece: [UInt8]) throws {
        places.wait()
        let (taker, isAbandoned) = state.withLock { state in
            if !state.isAbandoned { state.pieces.append(piece) }
            defer { state.taker = nil }
            return (state.taker, state.isAbandoned)
        }
        taker?.resume()
        if isAbandoned { throw CancellationError() }
    }

    func end(_ result: Result<Void, any Error>) {
        let taker = state.withLock { state in
            state.end = result
            defer { state.taker = nil }
            return state.taker
        }
        taker?.resume()
    }

    func abandon() {
        let taker = state.withLock { state in
            state.isAbandoned = true
            defer { state.taker = nil }
            return state.taker
        }
        places.signal()
        taker?.resume()
    }

    func take() async throws -> [UInt8]? {
        try await withTaskCancellationHandler {
            while true {
                let (piece, end) = state.withLock { state -> ([UInt8]?, Result<Void, any Error>?) in
                    if !state.pieces.isEmpty { return (state.pieces.removeFirst(), nil) }
                    return (nil, state.isAbandoned ? .failure(CancellationError()) : state.end)
                }
                if let piece {
                    places.signal()
                    return piece
                }
                if let end {
                    try end.get()
                    return nil
                }
                await withCheckedContinuation { continuation in
                    let isReady = state.withLock { state in
                        if !state.pieces.isEmpty || state.end != nil || state.isAbandoned { return true }
                        state.taker = continuation
                        return false
                    }
                    if isReady { continuation.resume() }
                }
            }
        } onCancel: {
            abandon()
        }
    }
}
