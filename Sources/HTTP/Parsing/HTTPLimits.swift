/// Every bound that a connection keeps to. What is exceeded is answered with the status named, and the connection closed.
public struct HTTPLimits: Sendable {
    /// Bytes of the request line or status line (414).
    public var startLineBytes = 16 * 1024
    /// Bytes of all field lines together, and again of the trailer fields of a chunked body (431).
    public var headerBytes = 64 * 1024
    /// Field lines of one message (431).
    public var headerCount = 128
    /// Bytes of one body, however long it streams (413). Handlers that collect a body name a smaller one.
    public var bodyBytes = 64 << 30
    /// Connections that a server holds open at a time (503).
    public var connections = 4096
    /// From the first byte of a request to the end of its head (408).
    public var headerTimeout = Duration.seconds(10)
    /// Without a byte between two requests (closed silently).
    public var idleTimeout = Duration.seconds(120)
    /// Without a byte while a handler waits for the body (408).
    public var bodyTimeout = Duration.seconds(300)
    /// For one write of at most `writeSliceBytes` to be taken by the peer (closed).
    public var writeTimeout = Duration.seconds(300)
    /// Requests that one connection may carry before it is closed.
    public var requestsPerConnection = 1_000_000
    /// Unread bytes of a request's body that are read away to keep the connection.
    public var drainBytes = 256 * 1024
    /// For each 64 KiB that a peer goes on sending after it was refused, so that it may read why (closed).
    public var lingerTimeout = Duration.seconds(5)
    /// Bytes that are asked of a stream at a time while a head is wanted.
    public var headReadBytes = 8 * 1024
    /// Bytes that are asked of a stream at a time while a body is wanted.
    public var readBytes = 64 * 1024
    /// Bytes that are given to a stream at a time.
    public var writeSliceBytes = 256 * 1024

    public init() {}
}
