public import Platform

/// A response, as a handler gives it and as a client gets it.
public struct HTTPResponse: Sendable {
    /// Speaks over a connection that HTTP has left.
    public typealias Takeover = nonisolated(nonsending) @Sendable (any ByteStream) async throws -> Void

    public var status: HTTPStatus
    public var headers: HTTPHeaders
    public var body: HTTPBody
    /// Takes over the connection after the head.
    var takeover: Takeover?
    /// The pattern that matched, for metrics.
    public internal(set) var route: String?

    /// Framing fields (`Content-Length`, `Transfer-Encoding`, `Connection`) are the server's own; those in `headers` are
    /// dropped, except a `Content-Length` in an answer to HEAD.
    public init(_ status: HTTPStatus = .ok, headers: HTTPHeaders = HTTPHeaders(), body: HTTPBody = .empty) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// Text, `text/plain` in UTF-8.
    public static func text(_ text: String, status: HTTPStatus = .ok) -> HTTPResponse {
        HTTPResponse(status, headers: ["Content-Type": "text/plain; charset=utf-8"], body: HTTPBody(text))
    }

    /// The answer `{"message": "..."}` to an error.
    public static func failure(_ error: HTTPError) -> HTTPResponse {
        var headers = error.headers
        headers["Content-Type"] = "application/json"
        return HTTPResponse(error.status, headers: headers, body: HTTPBody(HTTPJSON.message(error.message)))
    }

    /// Ends HTTP on the connection: sends the head, then hands the raw stream, with what the client already sent on it,
    /// to `takeover`. The stream is closed when that returns.
    ///
    /// As Docker does: to a request that asks to upgrade the status is 101, to another one 200 and the raw stream
    /// follows all the same.
    public static func hijack(
        _ request: HTTPRequest, contentType: String? = nil, headers: HTTPHeaders = HTTPHeaders(),
        _ takeover: @escaping Takeover
    ) -> HTTPResponse {
        var response = HTTPResponse(.ok, headers: headers)
        response.headers["Content-Type"] = contentType
        if let name = request.upgradeProtocol {
            response.status = .switchingProtocols
            response.headers["Upgrade"] = name
        }
        response.takeover = takeover
        return response
    }
}
