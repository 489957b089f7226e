import Glibc
public import Platform
import Synchronization

/// An HTTP/1.1 client of one server, with a bounded pool of connections.
///
/// Cancelling the task that waits for a response, or reads its body, closes the connection. A response's body must be read
/// to its end or let go of; the latter closes its connection. A request that may be repeated is sent once more on a fresh
/// connection where a kept one turns out to be dead.
public final class HTTPClient: Sendable {
    /// Makes a connection to the server.
    public typealias Connect = @Sendable () async throws -> any ByteStream

    private let connect: Connect
    private let host: String
    private let name: String
    private let loop: EventLoop
    private let limits: HTTPClientLimits
    private let pool: ConnectionPool

    /// A client of the server at `address`, unix or TCP.
    public convenience init(_ address: SocketAddress, loop: EventLoop, limits: HTTPClientLimits = HTTPClientLimits()) {
        let host = if case .unix = address { "localhost" } else { "\(address)" }
        self.init(host: host, name: "\(address)", loop: loop, limits: limits) {
            try await SocketStream.connect(to: address, loop: loop, timeout: limits.connectTimeout)
        }
    }

    /// A client over streams of any kind.
    ///
    /// - Parameters:
    ///   - host: for the `Host` header.
    ///   - name: for messages; `host` when nil.
    public init(
        host: String, name: String? = nil, loop: EventLoop, limits: HTTPClientLimits = HTTPClientLimits(),
        connect: @escaping Connect
    ) {
        self.connect = connect
        self.host = host
        self.name = name ?? host
        self.loop = loop
        self.limits = limits
        pool = ConnectionPool(limits: limits, loop: loop)
    }

    deinit { pool.close() }

    /// Closes idle connections; those in use are closed when their exchange ends. Further requests fail.
    public func close() { pool.close() }

    /// Sends a request and returns when the response's head is there; its body streams.
    ///
    /// - Throws: `HTTPError` 502 or 504 for what is wrong with the server or the way there, 503 where too many requests
    ///   wait; `CancellationError`; what the request's body throws.
    public nonisolated(nonsending) func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        let (connection, head) = try await open(request)
        guard head.status.code != 101 else {
            connection.fail()
            throw HTTPError(.badGateway, "\(name) switched protocols without being asked to")
        }
        return try response(connection, head)
    }

    /// Sends a request that asks for a raw stream.
    ///
    /// - Returns: the response with the stream where the server agreed (101, or a success without framing, as Docker's old
    ///   hijack); else the response alone, with its body.
    /// - Throws: as `send`.
    public nonisolated(nonsending) func upgrade(_ request: HTTPRequest, to protocolName: String = "tcp") async throws
        -> HTTPUpgrade
    {
        var request = request
        request.headers["Upgrade"] = protocolName
        let (connection, head) = try await open(request)
        if head.status.code == 101 || (head.status.isSuccess && head.endsAtClose) {
            return HTTPUpgrade(
                response: HTTPResponse(head.status, headers: head.headers), stream: connection.takeOver())
        }
        return HTTPUpgrade(response: try response(connection, head), stream: nil)
    }

    /// Sends a request and receives the response's head; the caller deals with what follows.
    nonisolated(nonsending) func open(_ request: HTTPRequest) async throws -> (ClientConnection, ResponseParser.Head) {
        var mayReuse = true
        while true {
            let (connection, isReused) = try await acquire(mayReuse: mayReuse)
            do {
                return (connection, try await exchange(request, connection))
            } catch {
                mayReuse = false
                guard isReused, connection.heardNothing, request.isRepeatable, !Task.isCancelled else {
                    throw explain(error)
                }
            }
        }
    }

    func response(_ connection: ClientConnection, _ head: ResponseParser.Head) throws -> HTTPResponse {
        HTTPResponse(head.status, headers: head.headers, body: try connection.body(of: head))
    }

    private nonisolated(nonsending) func acquire(mayReuse: Bool) async throws -> (ClientConnection, isReused: Bool) {
        if let connection = try await pool.acquire(mayReuse: mayReuse) { return (connection, true) }
        do {
            let stream = try await connect()
            return (ClientConnection(stream, limits: limits.message, on: loop), false)
        } catch {
            pool.release(nil)
            if error is CancellationError { throw error }
            let isLate = (error as? SystemError)?.errno == ETIMEDOUT
            throw HTTPError(isLate ? .gatewayTimeout : .badGateway, "cannot connect to \(name)", cause: error)
        }
    }

    private nonisolated(nonsending) func exchange(_ request: HTTPRequest, _ connection: ClientConnection) async throws
        -> ResponseParser.Head
    {
        let wasLate = Flag()
        let timer = limits.responseTimeout.map { limit in
            loop.schedule(after: limit) {
                wasLate.set()
                connection.fail()
            }
        }
        defer { timer?.cancel() }
        do {
            return try await connection.exchange(request, host: host) { [pool] mayReuse in
                pool.release(mayReuse ? connection : nil)
            }
        } catch {
            if wasLate.isSet { throw HTTPError(.gatewayTimeout, "\(name) did not answer in time") }
            throw Task.isCancelled ? CancellationError() : error
        }
    }

    private func explain(_ error: any Error) -> any Error {
        guard let error = error as? SystemError else { return error }
        return HTTPError(.badGateway, "the connection to \(name) failed", cause: error)
    }
}

extension HTTPRequest {
    /// Sending it twice is as good as once, and its body can be sent twice. Nothing else is: that nothing was heard does not say
    /// that nothing was done.
    fileprivate var isRepeatable: Bool {
        guard case .bytes = body.storage else { return false }
        return method.isSafe
    }
}

extension SystemError {
    /// The peer does not read any more.
    var isBrokenPipe: Bool { errno == EPIPE || errno == ECONNRESET }
}
