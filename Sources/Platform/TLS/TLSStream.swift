internal import Synchronization

/// A stream that TLS 1.3 (RFC 8446) protects, over any other. Each end has proved by its certificate who it is, before there is
/// a stream; but see `peer`.
public final class TLSStream: ByteStream {
    /// Most bytes that a handshake may have, from the other end.
    public static let handshakeLimit = 64 << 10
    private static let handshakeReadSize = 16 << 10
    /// Asked for besides the plain bytes that are wanted.
    private static let readOverhead = 1 << 10

    /// What the other end proved itself with, checked against the root; nil for a client that has shown none.
    public let peer: Certificate?
    /// `TLSv1.3`, as libssl names it.
    public let version: String
    private let stream: any ByteStream
    private let session: Mutex<TLSSession>
    private let turn = WriteTurn()

    private init(_ stream: any ByteStream, _ session: consuming sending TLSSession) {
        self.stream = stream
        peer = session.peerCertificate()
        version = session.version
        self.session = Mutex(session)
    }

    /// Takes the part that `context` says in a handshake over `stream`, which is closed where that fails or takes longer.
    ///
    /// - Throws: `TLSError`, or what the stream throws. With TLS 1.3 a client is through before the server has looked at its
    ///   certificate: that the server refuses it is told by the first read.
    public nonisolated(nonsending) static func handshake(
        over stream: any ByteStream, _ context: TLSContext, within timeout: Duration, on loop: EventLoop
    ) async throws -> TLSStream {
        try await Deadline.closing(stream, after: timeout, on: loop, late: TLSError.timedOut) {
            try await handshake(over: stream, TLSSession(context))
        }
    }

    static nonisolated(nonsending) func handshake(
        over stream: any ByteStream, _ fresh: consuming sending TLSSession
    ) async throws -> TLSStream {
        var session = fresh
        var received = 0
        while true {
            let step = session.handshake()
            let bytes = session.takeOutgoing()
            if case .failed(let error) = step {
                // The alert; whether it arrives is the other end's affair.
                stream.close(after: bytes)
                throw error
            }
            if !bytes.isEmpty { try await stream.write(bytes) }
            if case .done = step { return TLSStream(stream, session) }
            let more = try await stream.read(upTo: handshakeReadSize)
            received += more.count
            guard received <= handshakeLimit else { throw TLSError.handshakeTooLong }
            session.feed(more)
        }
    }

    /// At least one byte and at most `limit`; none when the other end has ended its side. Throws `TLSError.truncated` where the
    /// connection ended without saying so.
    public nonisolated(nonsending) func read(upTo limit: Int) async throws -> [UInt8] {
        precondition(limit > 0, "a read of nothing")
        while true {
            switch session.withLock({ $0.read(upTo: limit) }) {
            case .bytes(let bytes): return bytes
            case .end: return []
            case .failed(let error):
                close()
                throw error
            case .needsInput: break
            }
            let more = try await stream.read(upTo: max(limit, Self.handshakeReadSize) + Self.readOverhead)
            session.withLock { $0.feed(more) }
        }
    }

    /// Cancelling a task whose write waits closes the stream: half a message may have gone out.
    public nonisolated(nonsending) func write(_ bytes: [UInt8]) async throws {
        if bytes.isEmpty { return }
        try await inTurn {
            var offset = 0
            while offset < bytes.count {
                try await stream.write(session.withLock { $0.encrypt(bytes, from: &offset) }.get())
            }
        }
    }

    /// See `ByteStream.move`.
    public func move(to loop: EventLoop) throws(SystemError) { try stream.move(to: loop) }

    /// See `ByteStream.isClear`.
    public var isClear: Bool { stream.isClear }

    /// See `ByteStream.tryWrite`.
    public func tryWrite(_ bytes: [UInt8]) -> Bool {
        if bytes.isEmpty { return true }
        // More is encrypted in portions, of which each waits for the one before.
        guard bytes.count <= TLSSession.chunk, turn.tryTake() else { return false }
        defer { turn.give() }
        guard stream.isClear else { return false }
        var offset = 0
        guard case .success(let records) = session.withLock({ $0.encrypt(bytes, from: &offset) }) else { return false }
        if stream.tryWrite(records) { return true }
        // What is encrypted and not sent is missing at the other end, whatever comes after it.
        stream.close()
        return false
    }

    /// Says that no more comes (close_notify), and ends this side of the connection; the other one may go on.
    public nonisolated(nonsending) func shutdownWrite() async throws {
        try await inTurn {
            let bytes = session.withLock { $0.end() }
            if !bytes.isEmpty { try await stream.write(bytes) }
            try await stream.shutdownWrite()
        }
    }

    /// Ends both directions at once, with a close_notify where none of this side's writes is under way.
    public func close() {
        guard turn.tryTake() else { return stream.close() }
        stream.close(after: session.withLock { $0.end() })
        turn.give()
    }

    /// Records must go out in the order in which they were encrypted: one write after the other, each whole.
    private nonisolated(nonsending) func inTurn(
        _ body: nonisolated(nonsending) () async throws -> Void
    ) async throws {
        await withTaskCancellationHandler {
            await turn.take()
        } onCancel: {
            close()
        }
        defer { turn.give() }
        try await body()
    }
}
