import Synchronization

/// Turns a produced body around into one that is pulled: the producer runs in a task of its own and waits with each
/// piece until it is taken.
final class ProducedBody: HTTPBodySource {
    private struct State {
        var task: Task<Void, Never>?
        var piece: [UInt8]?
        var ended: Result<Void, any Error>?
        var producer: CheckedContinuation<Void, any Error>?
        var consumer: CheckedContinuation<Void, Never>?
    }

    /// Shared with the producer's task, which must not keep this object alive.
    private final class Exchange: Sendable {
        let state = Mutex(State())
    }

    private let exchange = Exchange()
    private let produce: HTTPBody.Producer

    init(_ produce: @escaping HTTPBody.Producer) { self.produce = produce }

    deinit {
        let (task, producer) = exchange.state.withLock { state in
            defer { state.producer = nil }
            return (state.task, state.producer)
        }
        task?.cancel()
        producer?.resume(throwing: CancellationError())
    }

    nonisolated(nonsending) func next() async throws -> [UInt8]? {
        start()
        while true {
            let (piece, producer, ended) = exchange.state.withLock { state in
                defer { (state.piece, state.producer) = (nil, nil) }
                return (state.piece, state.producer, state.ended)
            }
            producer?.resume()
            if let piece { return piece }
            if let ended {
                try ended.get()
                return nil
            }
            await waitForPiece()
        }
    }

    private func start() {
        exchange.state.withLock { state in
            guard state.task == nil else { return }
            // Unstructured, because it lives from the first pull to the last; deinit cancels it.
            state.task = Task { [exchange, produce] in
                let result: Result<Void, any Error>
                do {
                    try await produce(HTTPBodyWriter { try await Self.offer($0, to: exchange) })
                    result = .success(())
                } catch {
                    result = .failure(error)
                }
                let consumer = exchange.state.withLock { state in
                    defer { state.consumer = nil }
                    state.ended = result
                    return state.consumer
                }
                consumer?.resume()
            }
        }
    }

    private nonisolated(nonsending) func waitForPiece() async {
        await withCheckedContinuation { continuation in
            let isReady = exchange.state.withLock { state in
                if state.piece != nil || state.ended != nil { return true }
                state.consumer = continuation
                return false
            }
            if isReady { continuation.resume() }
        }
    }

    private static nonisolated(nonsending) func offer(_ piece: [UInt8], to exchange: Exchange) async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let (consumer, isCancelled) = exchange.state.withLock { state in
                    if Task.isCancelled { return (nil as CheckedContinuation<Void, Never>?, true) }
                    defer { state.consumer = nil }
                    state.piece = piece
                    state.producer = continuation
                    return (state.consumer, false)
                }
                if isCancelled { continuation.resume(throwing: CancellationError()) }
                consumer?.resume()
            }
        } onCancel: {
            let producer = exchange.state.withLock { state in
                defer { state.producer = nil }
                return state.producer
            }
            producer?.resume(throwing: CancellationError())
        }
    }
}
