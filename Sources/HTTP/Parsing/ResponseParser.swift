/// Parses the responses of one connection, one after another (RFC 9112): bytes in, events out, no I/O. What a server
/// got wrong is 502.
public struct ResponseParser: Sendable {
    /// The head of a response and how its body is framed.
    public struct Head: Sendable {
        public var status: HTTPStatus
        public var version: HTTPVersion
        public var headers: HTTPHeaders
        /// nil: none stated, or chunked.
        public var contentLength: Int?
        /// The body ends where the connection does.
        public var endsAtClose: Bool
        /// The server lets the connection be used again.
        public var keepAlive: Bool
    }

    /// For each response: any number of interim heads (status 1xx but 101), one head, any number of bodies, one end.
    public enum Event: Sendable {
        case needMore
        case head(Head)
        case body([UInt8])
        case end
    }

    private struct StatusLine {
        let status: HTTPStatus
        let version: HTTPVersion
    }

    private enum State {
        case start
        case fields(StatusLine, FieldSection)
        case body(BodyDecoder)
        case failed(HTTPError)
    }

    private var state = State.start
    private var buffer = InputBuffer()
    private var method = HTTPMethod.get
    private let limits: HTTPLimits

    public init(limits: HTTPLimits = HTTPLimits()) { self.limits = limits }

    /// Between two responses, with no byte of the next.
    public var isIdle: Bool {
        if case .start = state { buffer.isEmpty } else { false }
    }

    /// Names the method of the request that the next response answers: an answer to HEAD has no body.
    public mutating func expectResponse(to method: HTTPMethod) { self.method = method }

    /// Adds what was read from the connection.
    public mutating func feed(_ bytes: [UInt8]) { buffer.append(bytes) }

    /// Gives up what was fed and not parsed; for a connection that stops speaking HTTP.
    public mutating func takeRemainder() -> [UInt8] { buffer.take(upTo: .max) }

    /// The next event in what was fed.
    ///
    /// - Throws: `HTTPError` with 502.
    public mutating func next() throws(HTTPError) -> Event {
        do {
            return try advance()
        } catch {
            state = .failed(error)
            throw error
        }
    }

    /// The connection ended: `.end` if that is where the body ends.
    ///
    /// - Throws: `HTTPError` with 502 for a response cut short.
    public mutating func finish() throws(HTTPError) -> Event {
        if case .body(.untilClose) = state {
            state = .start
            return .end
        }
        throw HTTPError(.badGateway, "connection closed in the middle of a response")
    }

    private mutating func advance() throws(HTTPError) -> Event {
        while true {
            switch state {
            case .start:
                guard try readStatusLine() else { return .needMore }
            case .fields(let statusLine, var fields):
                state = .start
                guard try readFields(&fields) else {
                    state = .fields(statusLine, fields)
                    return .needMore
                }
                return .head(try finishHead(statusLine, fields))
            case .body(var decoder):
                defer { if case .body = state { state = .body(decoder) } }
                switch try decoder.next(from: &buffer) {
                case .needMore: return .needMore
                case .bytes(let bytes): return .body(bytes)
                case .end:
                    state = .start
                    return .end
                }
            case .failed(let error):
                throw error
            }
        }
    }

    private mutating func readStatusLine() throws(HTTPError) -> Bool {
        switch buffer.line(upTo: limits.startLineBytes) {
        case .incomplete: return false
        case .tooLong, .bareLineFeed: throw HTTPError(.badGateway, "invalid status line")
        case .found(let range):
            let line = try Self.parseStatusLine(buffer.bytes.span.extracting(range))
            state = .fields(line, FieldSection(malformed: .badGateway))
            return true
        }
    }

    /// `HTTP/1.x SP 3DIGIT [SP reason]`.
    private static func parseStatusLine(_ line: borrowing Span<UInt8>) throws(HTTPError) -> StatusLine {
        guard line.count >= 12, line.extracting(0..<7).equals("HTTP/1."), ByteClass.isDigit(line[7]),
            line[8] == ByteClass.space, line[9] != UInt8(ascii: "0"), ByteClass.isDigit(line[9]),
            ByteClass.isDigit(line[10]), ByteClass.isDigit(line[11]),
            line.count == 12 || line[12] == ByteClass.space
        else {
            throw HTTPError(.badGateway, "invalid status line")
        }
        for index in 12..<line.count where !ByteClass.isFieldValue(line[index]) {
            throw HTTPError(.badGateway, "invalid status line")
        }
        let code = Int(line[9] - 0x30) * 100 + Int(line[10] - 0x30) * 10 + Int(line[11] - 0x30)
        let reason = line.count > 13 ? line.text(13..<line.count) : ""
        return StatusLine(
            status: HTTPStatus(code, reason), version: line[7] == UInt8(ascii: "0") ? .http10 : .http11)
    }

    private mutating func readFields(_ fields: inout FieldSection) throws(HTTPError) -> Bool {
        while true {
            switch buffer.line(upTo: fields.allowance(limits)) {
            case .incomplete: return false
            case .tooLong: throw HTTPError(.badGateway, "response header too large")
            case .bareLineFeed: throw HTTPError(.badGateway, "bare line feed in the header")
            case .found(let range) where range.isEmpty: return true
            case .found(let range): try fields.add(buffer.bytes.span.extracting(range), limits)
            }
        }
    }

    private mutating func finishHead(_ line: StatusLine, _ fields: FieldSection) throws(HTTPError) -> Head {
        try fields.check()
        if line.version == .http10, fields.isChunked {
            throw HTTPError(.badGateway, "Transfer-Encoding in an HTTP/1.0 response")
        }
        if let length = fields.contentLength, length > limits.bodyBytes {
            throw HTTPError(.badGateway, "body too large")
        }
        let isInterim = line.status.isInformational && line.status.code != 101
        let isBodiless = method == .head || line.status.isBodiless
        let decoder: BodyDecoder =
            if isBodiless {
                .none
            } else if fields.isChunked {
                .chunked(ChunkedDecoder(limits: limits, malformed: .badGateway))
            } else if let length = fields.contentLength {
                .fixed(remaining: length)
            } else {
                .untilClose(remaining: limits.bodyBytes)
            }
        state = isInterim ? .start : .body(decoder)
        let endsAtClose = if case .untilClose = decoder { true } else { false }
        return Head(
            status: line.status, version: line.version, headers: fields.headers, contentLength: fields.contentLength,
            endsAtClose: endsAtClose,
            keepAlive: !fields.saysClose && !endsAtClose && line.status.code != 101
                && (line.version == .http11 || fields.saysKeepAlive))
    }
}
