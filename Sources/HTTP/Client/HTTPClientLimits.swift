/// The bounds of a client.
public struct HTTPClientLimits: Sendable {
    /// What a response may have.
    public var message = HTTPLimits()
    /// Connections in use at a time; further requests wait.
    public var connections = 256
    /// Requests that wait for a connection; further ones fail with 503.
    public var waiting = 4096
    /// Connections kept open for the next request.
    public var idleConnections = 16
    /// How long a connection is kept without use.
    public var idleTimeout = Duration.seconds(60)
    /// For connecting (504).
    public var connectTimeout = Duration.seconds(10)
    /// From sending the request to the response's head (504); nil waits as long as the caller does.
    public var responseTimeout: Duration?

    public init() {}
}
