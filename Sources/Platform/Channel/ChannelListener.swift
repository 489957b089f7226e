internal import Synchronization

/// The one port of a node: takes connections from other nodes, for all purposes.
public final class ChannelListener: Sendable {
    /// Most connections that may be in their handshake at once; further ones are closed.
    public static let handshakeLimit = 256

    /// Where it listens, with the port that the kernel chose where 0 was asked for.
    public var address: SocketAddress { listener.address }
    private let listener: SocketListener

    /// Listens. `onAccept` runs in a task that prefers the loop, for as long as the channel is served; when it returns the
    /// channel is closed.
    public init(
        on address: SocketAddress, authentication: any ChannelAuthentication, loop: EventLoop,
        handshakeTimeout: Duration = Channel.handshakeTimeout, payloadLimit: Int = Frame.payloadLimit,
        onAccept: @escaping @Sendable (Channel) async -> Void
    ) throws(SystemError) {
        let handshakes = HandshakeCount(limit: Self.handshakeLimit)
        let log = Logger("channel")
        listener = try SocketListener(on: address, loop: loop) { stream in
            guard handshakes.begin() else { return stream.close() }
            // Not structured: a connection lives for as long as it is served, and closing the listener leaves it alone.
            Task(executorPreference: loop) {
                let channel: Channel
                do {
                    defer { handshakes.end() }
                    channel = try await Channel.accept(
                        stream, authentication: authentication, loop: loop, timeout: handshakeTimeout,
                        payloadLimit: payloadLimit)
                    try stream.endWhenLost(within: Channel.lossLimit, mayStall: !channel.purpose.isFramed)
                } catch {
                    let from = stream.remoteAddress?.description ?? "unknown"
                    log.debug("handshake failed", ["from": from, "error": "\(error)"])
                    return
                }
                await onAccept(channel)
                channel.close()
            }
        }
    }

    /// Stops listening; channels that were accepted stay.
    public func close() { listener.close() }
}

/// How many handshakes are under way.
private final class HandshakeCount: Sendable {
    private let count = Atomic(0)
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    func begin() -> Bool {
        if count.wrappingAdd(1, ordering: .relaxed).newValue <= limit { return true }
        end()
        return false
    }

    func end() { count.wrappingSubtract(1, ordering: .relaxed) }
}
