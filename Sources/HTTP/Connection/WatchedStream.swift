import Platform
import Synchronization

/// A byte stream that can be read ahead of need, to notice that the peer has left while nobody waits for its bytes; what
/// comes in is kept for the next read. It also takes bytes back that a parser did not want.
final class WatchedStream: ByteStream {
    private struct State {
        var unread: [UInt8] = []
        var ahead: Task<[UInt8], any Error>?
        var report: (@Sendable (Bool) -> Void)?
    }

    private let base: any ByteStream
    private let loop: EventLoop
    private let state = Mutex(State())
    private static let aheadBytes = 16 * 1024

    init(_ base: any ByteStream, on loop: EventLoop) {
        self.base = base
        self.loop = loop
    }

    /// Reads ahead. Calls `report` when bytes have come (false) or the stream has ended or failed (true), unless `read` or
    /// `unwatch` is called before.
    func watch(_ report: @escaping @Sendable (_ ended: Bool) -> Void) {
        state.withLock { state in
            state.report = report
            guard state.ahead == nil, state.unread.isEmpty else { return }
            // Unstructured, because it outlives the request during which it began; it ends with the stream.
            state.ahead = Task(executorPreference: loop) { [self] in
                do {
                    let bytes = try await base.read(upTo: Self.aheadBytes)
                    tell(ended: bytes.isEmpty)
                    return bytes
                } catch {
                    tell(ended: true)
                    throw error
                }
            }
        }
    }

    /// Takes back the wish to be told.
    func unwatch() { state.withLock { $0.report = nil } }

    /// Puts bytes before those that the next read gives.
    func unread(_ bytes: [UInt8]) {
        if !bytes.isEmpty { state.withLock { $0.unread = bytes + $0.unread } }
    }

    nonisolated(nonsending) func read(upTo limit: Int) async throws -> [UInt8] {
        let (kept, ahead) = state.withLock { state -> ([UInt8], Task<[UInt8], any Error>?) in
            state.report = nil
            guard state.unread.isEmpty else { return (Self.cut(&state.unread, limit), nil) }
            defer { state.ahead = nil }
            return ([], state.ahead)
        }
        if !kept.isEmpty { return kept }
        guard let ahead else { return try await base.read(upTo: limit) }
        var bytes = try await withTaskCancellationHandler {
            try await ahead.value
        } onCancel: {
            ahead.cancel()
        }
        let head = Self.cut(&bytes, limit)
        unread(bytes)
        return head
    }

    nonisolated(nonsending) func write(_ bytes: [UInt8]) async throws { try await base.write(bytes) }
    nonisolated(nonsending) func shutdownWrite() async throws { try await base.shutdownWrite() }
    func close() { base.close() }

    /// How much a peer may go on sending after its answer, and at which pace.
    private enum Lingering {
        static let stepBytes = 64 << 10
        static let bytes = 256 << 20
        static let time: Duration = .seconds(30)
    }

    /// Says goodbye without losing what was written last: a socket closed over unread bytes resets the connection, and
    /// the peer may then never see them, and one that still sends fails before it reads the answer. It is the peer's pace
    /// that counts: on a busy machine a long body takes its time.
    ///
    /// - Parameter timeout: for each step; who is slower has nothing left to say, or means to stay.
    nonisolated(nonsending) func linger(_ timeout: Duration) async {
        let end = ContinuousClock.now + Lingering.time
        var budget = Lingering.bytes
        do {
            try await shutdownWrite()
            while budget > 0, ContinuousClock.now < end, try await readAway(&budget, timeout) {}
        } catch {
            // Closed already, by the peer or for its pace.
        }
        close()
    }

    /// One step; false at the stream's end. The stream is closed under a peer that is too slow.
    private nonisolated(nonsending) func readAway(_ budget: inout Int, _ timeout: Duration) async throws -> Bool {
        let timer = loop.schedule(after: timeout) { self.close() }
        defer { timer.cancel() }
        var wanted = Lingering.stepBytes
        while wanted > 0 {
            let bytes = try await read(upTo: wanted)
            if bytes.isEmpty { return false }
            wanted -= bytes.count
            budget -= bytes.count
        }
        return true
    }

    private func tell(ended: Bool) {
        let report = state.withLock { state in
            defer { state.report = nil }
            return state.report
        }
        report?(ended)
    }

    private static func cut(_ bytes: inout [UInt8], _ limit: Int) -> [UInt8] {
        let limit = max(limit, 1)
        guard bytes.count > limit else {
            defer { bytes = [] }
            return bytes
        }
        defer { bytes.removeFirst(limit) }
        return Array(bytes[..<limit])
    }
}
