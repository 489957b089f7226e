internal import CLinux
internal import Glibc
internal import Synchronization

/// Signals to the process, as something to wait for.
public enum Signals {
    /// The pipe by which the handler, which may do next to nothing, tells of a signal; -1 until it is needed.
    private static let writer = Atomic<Int32>(-1)
    private static let shared = Mutex<Hub?>(nil)

    /// The next of these signals that the process receives; from the first call on they do nothing else any more. Each signal is
    /// given to all who wait for it, or else to the first who will.
    ///
    /// Needs one thread that does not block them, as the main thread does by itself.
    public nonisolated(nonsending) static func wait(for numbers: [Int32], loop: EventLoop) async throws -> Int32 {
        let hub = try hub(loop)
        for number in numbers { try catchSignal(number) }
        let token = Identifier.randomHex(bytes: 8)
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { hub.add(token, numbers, $0) }
        } onCancel: {
            hub.cancel(token)
        }
    }

    private static func hub(_ loop: EventLoop) throws(SystemError) -> Hub {
        let result = shared.withLock { shared -> Result<Hub, SystemError> in
            if let shared { return .success(shared) }
            do throws(SystemError) {
                let hub = try Hub(loop)
                writer.store(hub.writer, ordering: .releasing)
                shared = hub
                return .success(hub)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private static func catchSignal(_ number: Int32) throws(SystemError) {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { number in
            // errno belongs to the code that was interrupted.
            let saved = errno
            var byte = UInt8(truncatingIfNeeded: number)
            _ = write(Signals.writer.load(ordering: .relaxed), &byte, 1)
            errno = saved
        }
        action.sa_flags = SA_RESTART
        sigfillset(&action.sa_mask)
        try checked(sigaction(number, &action, nil), "sigaction", "signal \(number)")
    }

    /// Who waits for which signals; one for the process, and never let go, since a handler may always run.
    private final class Hub: Sendable {
        typealias Continuation = UnsafeContinuation<Int32, any Error>
        private struct State: Sendable {
            var waiters: [String: (numbers: [Int32], continuation: Continuation)] = [:]
            /// Received while nobody waited.
            var pending: Set<Int32> = []
            var watch: EventLoop.Watch?
        }
        private let state = Mutex(State())
        private let reader: Int32
        let writer: Int32

        init(_ loop: EventLoop) throws(SystemError) {
            var ends: [Int32] = [-1, -1]
            try checked(cl_pipe2(&ends, O_CLOEXEC | O_NONBLOCK), "pipe2")
            (reader, writer) = (ends[0], ends[1])
            let watch = try loop.watch(reader, for: .readable) { [self] _ in receive() }
            state.withLock { $0.watch = watch }
        }

        func add(_ token: String, _ numbers: [Int32], _ continuation: Continuation) {
            let result = state.withLock { state -> Result<Int32, any Error>? in
                if Task.isCancelled { return .failure(CancellationError()) }
                if let number = numbers.first(where: state.pending.contains) {
                    state.pending.remove(number)
                    return .success(number)
                }
                state.waiters[token] = (numbers, continuation)
                return nil
            }
            if let result { continuation.resume(with: result) }
        }

        func cancel(_ token: String) {
            let waiter = state.withLock { $0.waiters.removeValue(forKey: token) }
            waiter?.continuation.resume(throwing: CancellationError())
        }

        private func receive() {
            guard let bytes = try? Files.read(reader, upTo: 64) else { return }
            for number in bytes.map({ Int32($0) }) {
                let woken = state.withLock { state in
                    let woken = state.waiters.filter { $0.value.numbers.contains(number) }
                    for token in woken.keys { state.waiters[token] = nil }
                    if woken.isEmpty { state.pending.insert(number) }
                    return woken
                }
                for waiter in woken.values { waiter.continuation.resume(returning: number) }
            }
        }
    }
}
