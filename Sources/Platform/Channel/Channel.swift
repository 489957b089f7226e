internal import Synchronization

/// A connection between two nodes that know each other, in TLS, for one purpose.
///
/// Framed purposes use `send` and `receive`; the others use `stream` as it is. Letting go of it closes it.
public final class Channel: Sendable {
    /// How long the handshake may take: beyond it the other end is too slow, or silent on purpose.
    public static let handshakeTimeout = Duration.seconds(5)
    /// After so much silence of the network the other end counts as lost; TCP by itself would wait for minutes, on a partition
    /// that healed as well. A raw stream may be stalled by its reader for longer.
    public static let lossLimit = Duration.seconds(6)
    /// What one read asks for between frames.
    private static let readSize = 64 << 10

    /// Who is at the other end.
    public let peer: PeerIdentity
    public let purpose: ChannelPurpose
    /// The minor version of the protocol that both ends speak.
    public let minor: UInt16
    /// What the other end proved itself with; nil for a stranger.
    public let certificate: Certificate?
    /// The connection itself: for purposes that are not framed.
    public let stream: any ByteStream
    /// The longest payload that is sent or received.
    public let payloadLimit: Int
    private let decoder: Mutex<FrameDecoder>

    public init(_ authenticated: AuthenticatedStream, payloadLimit: Int = Frame.payloadLimit) {
        peer = authenticated.peer
        purpose = authenticated.purpose
        minor = authenticated.minor
        certificate = authenticated.certificate
        stream = authenticated.stream
        self.payloadLimit = min(payloadLimit, purpose.payloadLimit)
        decoder = Mutex(FrameDecoder(payloadLimit: self.payloadLimit))
    }

    deinit { stream.close() }

    /// Connects to a node and proves who one is. `expecting` is the node id that must answer; nil for any.
    public nonisolated(nonsending) static func connect(
        to address: SocketAddress, purpose: ChannelPurpose, authentication: any ChannelAuthentication,
        expecting nodeID: String? = nil, loop: EventLoop, timeout: Duration = Channel.handshakeTimeout,
        payloadLimit: Int = Frame.payloadLimit
    ) async throws -> Channel {
        let stream = try await SocketStream.connect(to: address, loop: loop, timeout: timeout)
        try stream.endWhenLost(within: lossLimit, mayStall: !purpose.isFramed)
        return try await Deadline.closing(stream, after: timeout, on: loop, late: ChannelError.timedOut) {
            let authenticated = try await authentication.initiate(stream, purpose: purpose, expecting: nodeID)
            return Channel(authenticated, payloadLimit: payloadLimit)
        }
    }

    /// Takes a connection that was accepted, once the other end has proved who it is.
    public nonisolated(nonsending) static func accept(
        _ stream: any ByteStream, authentication: any ChannelAuthentication, loop: EventLoop,
        timeout: Duration = Channel.handshakeTimeout, payloadLimit: Int = Frame.payloadLimit
    ) async throws -> Channel {
        try await Deadline.closing(stream, after: timeout, on: loop, late: ChannelError.timedOut) {
            Channel(try await authentication.accept(stream), payloadLimit: payloadLimit)
        }
    }

    /// Sends a frame; returns when it is handed on, which a slow peer delays.
    public nonisolated(nonsending) func send(_ frame: Frame) async throws {
        try await send([frame])
    }

    /// Sends frames together, which costs less than one by one.
    public nonisolated(nonsending) func send(_ frames: [Frame]) async throws {
        precondition(purpose.isFramed, "\(purpose) is not framed")
        var bytes: [UInt8] = []
        for frame in frames {
            guard frame.payload.count <= payloadLimit else { throw ChannelError.frameTooLong(frame.payload.count) }
            frame.encode(into: &bytes)
        }
        try await stream.write(bytes)
    }

    /// Sends a frame without waiting, from any thread; what the peer does not take yet is kept. False, with nothing sent, where
    /// an earlier frame waits, where this one is too long to go at once, or where the channel has ended.
    public func trySend(_ frame: Frame) -> Bool {
        precondition(purpose.isFramed, "\(purpose) is not framed")
        guard frame.payload.count <= payloadLimit, stream.isClear else { return false }
        var bytes: [UInt8] = []
        frame.encode(into: &bytes)
        return stream.tryWrite(bytes)
    }

    /// The next frame; nil when the other end has ended in good order. Called by one task at a time. After an error the channel
    /// is past use.
    public nonisolated(nonsending) func receive() async throws -> Frame? {
        precondition(purpose.isFramed, "\(purpose) is not framed")
        while true {
            let (frame, missing) = try nextFrame()
            if let frame { return frame }
            let bytes = try await stream.read(upTo: max(Self.readSize, missing))
            let isAtBoundary = decoder.withLock { decoder in
                if !bytes.isEmpty { decoder.append(bytes) }
                return decoder.isAtBoundary
            }
            if bytes.isEmpty {
                if isAtBoundary { return nil }
                throw ChannelError.truncated
            }
        }
    }

    private func nextFrame() throws(ChannelError) -> (Frame?, missing: Int) {
        let result = decoder.withLock { decoder -> Result<(Frame?, missing: Int), ChannelError> in
            do throws(ChannelError) {
                return .success((try decoder.next(), decoder.missing))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Closes at once.
    public func close() { stream.close() }
}
