internal import CLinux
internal import Glibc
internal import Synchronization

/// The socket behind a stream: what the stream and the loop's watch share. The watch is edge-triggered, so readiness is
/// remembered here and a read that is known to block makes no system call. Room for writing is watched only while a write waits
/// for it: each read of the peer would else be an event.
final class SocketCore: Sendable {
    typealias ReadContinuation = UnsafeContinuation<[UInt8], any Error>
    typealias WriteContinuation = UnsafeContinuation<Void, any Error>

    enum ReadAttempt {
        case done(Result<[UInt8], SystemError>)
        case wouldBlock
    }

    /// A write of which a part must wait; guarded by the core's lock.
    final class PendingWrite: @unchecked Sendable {
        // All of it is touched only under the lock of the core that queued it.
        fileprivate let bytes: [UInt8]
        fileprivate var offset: Int
        fileprivate var continuation: WriteContinuation?
        fileprivate var result: Result<Void, SystemError>?

        fileprivate init(_ bytes: [UInt8], offset: Int) {
            self.bytes = bytes
            self.offset = offset
        }
    }

    private struct State: Sendable {
        var descriptor: Int32
        var watch: EventLoop.Watch?
        var isReadable = true
        /// The last read filled the scratch space: more is coming than small messages.
        var isBulk = false
        /// The end, or an error, can be read; there will be no further edge.
        var isHungUp = false
        var reader: (limit: Int, continuation: ReadContinuation)?
        var writes: [PendingWrite] = []
    }

    /// Reads go through so much of the stack until one fills it.
    private static let scratchSize = 16 << 10
    private static let readInterest: EventLoop.Interest = [.readable, .edgeTriggered]
    private let state: Mutex<State>

    /// Takes over the descriptor.
    init(_ descriptor: Int32) { state = Mutex(State(descriptor: descriptor)) }

    /// Waits on this loop, and no more on the one before. A new watch reports what the socket has in any case, so that no edge is
    /// missed.
    func move(to loop: EventLoop) throws(SystemError) {
        let result = state.withLock { state -> Result<Void, SystemError> in
            guard state.descriptor >= 0 else { return .failure(Self.closed("epoll_ctl")) }
            state.watch?.cancel()
            let interest = state.writes.isEmpty ? Self.readInterest : Self.readInterest.union(.writable)
            do throws(SystemError) {
                state.watch = try loop.watch(state.descriptor, for: interest) { self.became($0) }
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    func setOption(_ level: Int32, _ name: Int32, _ value: Int32) throws(SystemError) {
        let result = state.withLock { state -> Result<Void, SystemError> in
            guard state.descriptor >= 0 else { return .failure(Self.closed("setsockopt")) }
            do throws(SystemError) {
                return .success(try SocketOption.set(state.descriptor, level, name, value))
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    // MARK: Reading

    func tryRead(_ limit: Int) -> ReadAttempt {
        state.withLock { Self.attemptRead(&$0, limit) }
    }

    func read(_ limit: Int, _ continuation: ReadContinuation) {
        let result: Result<[UInt8], any Error>? = state.withLock { state in
            switch Self.attemptRead(&state, limit) {
            case .done(let result): return result.mapError { $0 }
            case .wouldBlock:
                // Asked under the lock: a cancellation that comes later finds the reader.
                if Task.isCancelled { return .failure(CancellationError()) }
                state.reader = (limit, continuation)
                return nil
            }
        }
        if let result { continuation.resume(with: result) }
    }

    func cancelRead() {
        let reader = state.withLock { state in
            defer { state.reader = nil }
            return state.reader
        }
        reader?.continuation.resume(throwing: CancellationError())
    }

    private static func attemptRead(_ state: inout State, _ limit: Int) -> ReadAttempt {
        guard state.descriptor >= 0 else { return .done(.failure(closed("read"))) }
        guard state.reader == nil else {
            return .done(.failure(SystemError(errno: EBUSY, call: "read", subject: "a stream that another task reads")))
        }
        guard state.isReadable || state.isHungUp else { return .wouldBlock }
        let isDirect = state.isBulk && limit > scratchSize
        let asked = isDirect ? limit : min(limit, scratchSize)
        let (bytes, failure) = isDirect ? receive(state.descriptor, asked) : receiveSmall(state.descriptor, asked)
        if failure == EAGAIN {
            state.isReadable = false
            state.isHungUp = false
            return .wouldBlock
        }
        if failure != 0 { return .done(.failure(SystemError(errno: failure, call: "read"))) }
        // Less than asked for means that the socket is empty (epoll(7), edge-triggered).
        if bytes.count < asked { state.isReadable = false }
        state.isBulk = bytes.count >= scratchSize
        if bytes.isEmpty { state.isHungUp = true }
        return .done(.success(bytes))
    }

    private static func receive(_ descriptor: Int32, _ limit: Int) -> (bytes: [UInt8], errno: Int32) {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            (count, failure) = receive(descriptor, into: buffer)
        }
        return (bytes, failure)
    }

    /// By way of the stack, so that a short message costs only so much memory as it is long.
    private static func receiveSmall(_ descriptor: Int32, _ limit: Int) -> (bytes: [UInt8], errno: Int32) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: limit) { scratch in
            let (count, failure) = receive(descriptor, into: scratch)
            return ([UInt8](scratch[..<count]), failure)
        }
    }

    private static func receive(
        _ descriptor: Int32, into buffer: UnsafeMutableBufferPointer<UInt8>
    ) -> (count: Int, errno: Int32) {
        while true {
            let result = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if result >= 0 { return (result, 0) }
            if errno != EINTR { return (0, errno) }
        }
    }

    // MARK: Writing

    /// Nil when all is written; else what is left is in the queue and must be awaited.
    func tryWrite(_ bytes: [UInt8]) throws(SystemError) -> PendingWrite? {
        let result = state.withLock { state -> Result<PendingWrite?, SystemError> in
            guard state.descriptor >= 0 else { return .failure(Self.closed("write")) }
            return Self.sendOrQueue(bytes, &state)
        }
        return try result.get()
    }

    /// The same where nothing waits yet; nobody awaits what is left. False where something does, or the socket has ended.
    func post(_ bytes: [UInt8]) -> Bool {
        state.withLock { state in
            guard state.descriptor >= 0, state.writes.isEmpty else { return false }
            guard case .success = Self.sendOrQueue(bytes, &state) else { return false }
            return true
        }
    }

    /// Whether nothing waits to be sent, and more may be.
    var isClear: Bool { state.withLock { $0.descriptor >= 0 && $0.writes.isEmpty } }

    private static func sendOrQueue(_ bytes: [UInt8], _ state: inout State) -> Result<PendingWrite?, SystemError> {
        var sent = 0
        if state.writes.isEmpty {
            switch send(state.descriptor, bytes, from: 0) {
            case .failure(let error): return .failure(error)
            case .success(let count): sent = count
            }
            if sent == bytes.count { return .success(nil) }
        }
        let pending = PendingWrite(bytes, offset: sent)
        state.writes.append(pending)
        if state.writes.count == 1 {
            do throws(SystemError) {
                try state.watch?.update(readInterest.union(.writable))
            } catch {
                state.writes = []
                return .failure(error)
            }
        }
        return .success(pending)
    }

    /// Sends what there is room for; nothing while writes wait.
    func sendAtOnce(_ bytes: [UInt8]) {
        state.withLock { state in
            guard state.descriptor >= 0, state.writes.isEmpty else { return }
            _ = Self.send(state.descriptor, bytes, from: 0)
        }
    }

    func await(_ pending: PendingWrite, _ continuation: WriteContinuation) {
        let result = state.withLock { _ in
            if pending.result == nil { pending.continuation = continuation }
            return pending.result
        }
        if let result { continuation.resume(with: result.mapError { $0 as any Error }) }
    }

    /// Sends until all is gone or the socket is full; the offset reached.
    private static func send(_ descriptor: Int32, _ bytes: [UInt8], from start: Int) -> Result<Int, SystemError> {
        var offset = start
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                cl_send(descriptor, buffer.baseAddress?.advanced(by: offset), bytes.count - offset)
            }
            if count >= 0 {
                offset += count
            } else if errno == EAGAIN {
                break
            } else if errno != EINTR {
                return .failure(SystemError.last("write"))
            }
        }
        return .success(offset)
    }

    func shutdownWrite() throws(SystemError) {
        let failure = state.withLock { state -> SystemError? in
            guard state.descriptor >= 0 else { return Self.closed("shutdown") }
            let result = shutdown(state.descriptor, Int32(SHUT_WR))
            return result == -1 && errno != ENOTCONN ? SystemError.last("shutdown") : nil
        }
        if let failure { throw failure }
    }

    // MARK: Events and the end

    private func became(_ readiness: EventLoop.Readiness) {
        typealias Outcome = (
            reader: ReadContinuation?, read: Result<[UInt8], SystemError>, writers: [(WriteContinuation, SystemError?)]
        )
        let outcome = state.withLock { state -> Outcome in
            var outcome: Outcome = (nil, .success([]), [])
            guard state.descriptor >= 0 else { return outcome }
            if readiness.contains(.readable) { state.isReadable = true }
            if !readiness.isDisjoint(with: [.hangup, .error]) { state.isHungUp = true }
            if let (limit, continuation) = state.reader {
                state.reader = nil
                switch Self.attemptRead(&state, limit) {
                case .wouldBlock: state.reader = (limit, continuation)
                case .done(let result):
                    outcome.reader = continuation
                    outcome.read = result
                }
            }
            if !readiness.isDisjoint(with: [.writable, .hangup, .error]), !state.writes.isEmpty {
                outcome.writers = Self.flush(&state)
            }
            return outcome
        }
        outcome.reader?.resume(with: outcome.read.mapError { $0 as any Error })
        for (continuation, error) in outcome.writers {
            if let error { continuation.resume(throwing: error) } else { continuation.resume() }
        }
    }

    private static func flush(_ state: inout State) -> [(WriteContinuation, SystemError?)] {
        var finished: [(WriteContinuation, SystemError?)] = []
        var done = 0
        while done < state.writes.count {
            let pending = state.writes[done]
            switch send(state.descriptor, pending.bytes, from: pending.offset) {
            case .success(let offset):
                pending.offset = offset
                if offset == pending.bytes.count { pending.result = .success(()) }
            case .failure(let error): pending.result = .failure(error)
            }
            guard let result = pending.result else { break }
            if let continuation = pending.continuation {
                switch result {
                case .success: finished.append((continuation, nil))
                case .failure(let error): finished.append((continuation, error))
                }
            }
            done += 1
        }
        state.writes.removeFirst(done)
        // Where this fails the socket is past use, which the next write tells.
        if state.writes.isEmpty { try? state.watch?.update(readInterest) }
        return finished
    }

    func close() {
        var ended = state.withLock { state in
            let ended = state
            state = State(descriptor: -1)
            for pending in ended.writes { pending.result = .failure(Self.closed("write")) }
            return ended
        }
        guard ended.descriptor >= 0 else { return }
        ended.watch?.cancel()
        _ = Glibc.close(ended.descriptor)
        ended.reader?.continuation.resume(throwing: Self.closed("read"))
        let waiting = ended.writes
        ended.writes = []
        for pending in waiting {
            let continuation = state.withLock { _ in pending.continuation }
            continuation?.resume(throwing: Self.closed("write"))
        }
    }

    private static func closed(_ call: String) -> SystemError {
        SystemError(errno: ECANCELED, call: call, subject: "a closed stream")
    }
}
