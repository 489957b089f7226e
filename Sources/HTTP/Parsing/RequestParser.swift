/// Parses the requests of one connection, one after another (RFC 9112): bytes in, events out, no I/O. A connection that
/// got an error answers with its status and closes; the parser stays failed.
public struct RequestParser: Sendable {
    /// The head of a request and what it says about the connection.
    public struct Head: Sendable {
        public var method: HTTPMethod
        /// As sent, but an absolute form reduced to path and query.
        public var target: String
        public var version: HTTPVersion
        public var headers: HTTPHeaders
        /// nil: none, or chunked.
        public var contentLength: Int?
        public var isChunked: Bool
        /// What the client lets the server do with the connection after the answer.
        public var keepAlive: Bool
        public var expectsContinue: Bool
        /// `Connection: Upgrade` with a non-empty `Upgrade`.
        public var wantsUpgrade: Bool

        public var hasBody: Bool { isChunked || (contentLength ?? 0) > 0 }
    }

    /// For each request: one head, any number of bodies, one end.
    public enum Event: Sendable {
        case needMore
        case head(Head)
        case body([UInt8])
        case end
    }

    private enum State {
        case start(emptyLines: Int)
        case fields(RequestLine, FieldSection)
        case body(BodyDecoder)
        case failed(HTTPError)
    }

    /// Empty lines that are skipped before a request (RFC 9112 section 2.2).
    private static let emptyLines = 2

    private var state = State.start(emptyLines: 0)
    private var buffer = InputBuffer()
    private let limits: HTTPLimits

    public init(limits: HTTPLimits = HTTPLimits()) { self.limits = limits }

    /// Between two requests, with no byte of the next.
    public var isIdle: Bool {
        if case .start = state { buffer.isEmpty } else { false }
    }

    /// Bytes of the request's body that were not given out yet; nil where the client has not said how many there are.
    var bodyLeft: Int? {
        guard case .body(let decoder) = state else { return 0 }
        if case .fixed(let remaining) = decoder { return remaining }
        return nil
    }

    /// Adds what was read from the connection.
    public mutating func feed(_ bytes: [UInt8]) { buffer.append(bytes) }

    /// Gives up what was fed and not parsed; for a connection that stops speaking HTTP.
    public mutating func takeRemainder() -> [UInt8] { buffer.take(upTo: .max) }

    /// The next event in what was fed.
    ///
    /// - Throws: `HTTPError` with 400, 413, 414, 417, 431, 501 or 505.
    public mutating func next() throws(HTTPError) -> Event {
        do {
            return try advance()
        } catch {
            state = .failed(error)
            throw error
        }
    }

    private mutating func advance() throws(HTTPError) -> Event {
        while true {
            switch state {
            case .start(let emptyLines):
                guard try readStart(emptyLines) else { return .needMore }
            case .fields(let requestLine, var fields):
                state = .start(emptyLines: 0)
                guard try readFields(&fields) else {
                    state = .fields(requestLine, fields)
                    return .needMore
                }
                return .head(try finishHead(requestLine, fields))
            case .body(var decoder):
                defer { if case .body = state { state = .body(decoder) } }
                switch try decoder.next(from: &buffer) {
                case .needMore: return .needMore
                case .bytes(let bytes): return .body(bytes)
                case .end:
                    state = .start(emptyLines: 0)
                    return .end
                }
            case .failed(let error):
                throw error
            }
        }
    }

    /// True: advanced.
    private mutating func readStart(_ emptyLines: Int) throws(HTTPError) -> Bool {
        guard let first = buffer.first else { return false }
        // A TLS hello or other noise is refused at its first byte, not after a timeout.
        guard ByteClass.isToken(first) || first == ByteClass.carriageReturn else {
            throw HTTPError(.badRequest, "not an HTTP request")
        }
        switch buffer.line(upTo: limits.startLineBytes) {
        case .incomplete: return false
        case .tooLong: throw HTTPError(.uriTooLong, "request line longer than \(limits.startLineBytes) bytes")
        case .bareLineFeed: throw HTTPError(.badRequest, "bare line feed in the request line")
        case .found(let range) where range.isEmpty:
            guard emptyLines < Self.emptyLines else { throw HTTPError(.badRequest, "empty request line") }
            state = .start(emptyLines: emptyLines + 1)
        case .found(let range):
            let line = try RequestLine(buffer.bytes.span.extracting(range))
            state = .fields(line, FieldSection(malformed: .badRequest))
        }
        return true
    }

    /// True at the empty line.
    private mutating func readFields(_ fields: inout FieldSection) throws(HTTPError) -> Bool {
        while true {
            switch buffer.line(upTo: fields.allowance(limits)) {
            case .incomplete: return false
            case .tooLong: throw HTTPError(.headerFieldsTooLarge, "header fields too large")
            case .bareLineFeed: throw HTTPError(.badRequest, "bare line feed in the header")
            case .found(let range) where range.isEmpty: return true
            case .found(let range): try fields.add(buffer.bytes.span.extracting(range), limits)
            }
        }
    }

    private mutating func finishHead(_ line: RequestLine, _ fields: FieldSection) throws(HTTPError) -> Head {
        try fields.check()
        if line.version == .http11, fields.hostCount != 1 {
            throw HTTPError(.badRequest, fields.hostCount == 0 ? "missing Host header" : "repeated Host header")
        }
        if line.version == .http10, fields.isChunked {
            throw HTTPError(.badRequest, "Transfer-Encoding in an HTTP/1.0 request")
        }
        if let length = fields.contentLength, length > limits.bodyBytes {
            throw HTTPError(.contentTooLarge, "body larger than \(limits.bodyBytes) bytes")
        }
        if fields.isChunked {
            state = .body(.chunked(ChunkedDecoder(limits: limits)))
        } else if let length = fields.contentLength, length > 0 {
            state = .body(.fixed(remaining: length))
        } else {
            state = .body(.none)
        }
        return Head(
            method: line.method, target: line.target, version: line.version, headers: fields.headers,
            contentLength: fields.contentLength, isChunked: fields.isChunked,
            keepAlive: !fields.saysClose && (line.version == .http11 || fields.saysKeepAlive),
            expectsContinue: fields.expectsContinue && line.version == .http11,
            wantsUpgrade: fields.saysUpgrade && !(fields.headers["Upgrade"] ?? "").isEmpty)
    }
}
