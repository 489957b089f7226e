/// A request, as a handler gets it and as a client sends it.
public struct HTTPRequest: Sendable {
    public var method: HTTPMethod
    /// Path and query as they go over the wire, percent-encoded.
    public let target: String
    /// The path of `target`, percent-encoded.
    public let path: String
    /// The query of `target`, decoded.
    public let query: HTTPQuery
    public var version: HTTPVersion
    public var headers: HTTPHeaders
    public var body: HTTPBody
    /// Who sent it; for a handler.
    public var peer: HTTPPeer
    /// What the route's pattern captured, decoded; for a handler.
    public internal(set) var captures: [String: String] = [:]

    /// A request to send. `target` is percent-encoded and begins with a slash.
    public init(
        _ method: HTTPMethod, _ target: String, headers: HTTPHeaders = HTTPHeaders(), body: HTTPBody = .empty
    ) {
        let question = target.utf8.firstIndex(of: UInt8(ascii: "?"))
        let query = question.flatMap { try? HTTPQuery(parsing: String(target[target.utf8.index(after: $0)...])) }
        self.init(
            method, target, question.map { String(target[..<$0]) } ?? target, query ?? HTTPQuery(), .http11, headers,
            body, HTTPPeer())
    }

    /// A request to send, its query encoded here.
    public init(
        _ method: HTTPMethod, _ path: String, query: [(String, String?)], headers: HTTPHeaders = HTTPHeaders(),
        body: HTTPBody = .empty
    ) {
        let encoded = HTTPQuery.encode(query)
        self.init(method, encoded.isEmpty ? path : path + "?" + encoded, headers: headers, body: body)
    }

    /// A request that came in.
    init(_ head: RequestParser.Head, body: HTTPBody, peer: HTTPPeer) throws(HTTPError) {
        let target = head.target
        guard let question = target.utf8.firstIndex(of: UInt8(ascii: "?")) else {
            self.init(head.method, target, target, HTTPQuery(), head.version, head.headers, body, peer)
            return
        }
        let query = try HTTPQuery(parsing: String(target[target.utf8.index(after: question)...]))
        self.init(head.method, target, String(target[..<question]), query, head.version, head.headers, body, peer)
    }

    private init(
        _ method: HTTPMethod, _ target: String, _ path: String, _ query: HTTPQuery, _ version: HTTPVersion,
        _ headers: HTTPHeaders, _ body: HTTPBody, _ peer: HTTPPeer
    ) {
        self.method = method
        self.target = target
        self.path = path
        self.query = query
        self.version = version
        self.headers = headers
        self.body = body
        self.peer = peer
    }

    /// The protocol of the `Upgrade` header, where `Connection` asks for it.
    public var upgradeProtocol: String? {
        guard let name = headers["Upgrade"], !name.isEmpty, headers.tokens(of: "Connection").contains("upgrade") else {
            return nil
        }
        return name
    }

    /// What the route captured as `name`.
    ///
    /// - Throws: `HTTPError` 500 where the route has no such capture.
    public func capture(_ name: String) throws(HTTPError) -> String {
        guard let value = captures[name] else {
            throw HTTPError(.internalServerError, "route of \(path) captures no '\(name)'")
        }
        return value
    }
}
