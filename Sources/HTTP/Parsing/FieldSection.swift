/// The field lines of a head as they come in, with what they say about framing. Strict where leniency lets two parsers
/// disagree about where a message ends (RFC 9112 sections 5 and 6).
struct FieldSection: Sendable {
    private(set) var headers = HTTPHeaders()
    private(set) var contentLength: Int?
    private(set) var isChunked = false
    private(set) var hostCount = 0
    private(set) var saysClose = false
    private(set) var saysKeepAlive = false
    private(set) var saysUpgrade = false
    private(set) var expectsContinue = false
    private var bytes = 0

    /// What a malformed line is answered with: 400 to a client, 502 from a server.
    private let malformed: HTTPStatus

    init(malformed: HTTPStatus) {
        self.malformed = malformed
        headers.reserve(8)
    }

    /// Bytes that the next line may have.
    func allowance(_ limits: HTTPLimits) -> Int { max(limits.headerBytes - bytes, 0) }

    /// One field line without its CRLF.
    mutating func add(_ line: borrowing Span<UInt8>, _ limits: HTTPLimits) throws(HTTPError) {
        bytes += line.count + 2
        guard headers.count < limits.headerCount, bytes <= limits.headerBytes else {
            throw HTTPError(.headerFieldsTooLarge, "header fields too large")
        }
        let (name, value) = try split(line)
        let (text, meaning) = FieldName.intern(line, name)
        headers.add(text, line.text(value))
        switch meaning {
        case .plain: break
        case .host: hostCount += 1
        case .contentLength: try readContentLength(line, value)
        case .transferEncoding: try readTransferEncoding(line, value)
        case .connection: readConnection(line, value)
        case .expect: try readExpect(line, value)
        }
    }

    /// Called at the empty line: what contradicts itself is refused.
    func check() throws(HTTPError) {
        if isChunked, contentLength != nil {
            throw HTTPError(malformed, "both Transfer-Encoding and Content-Length")
        }
    }

    /// Name and value of a line; validates every byte.
    private func split(_ line: borrowing Span<UInt8>) throws(HTTPError) -> (Range<Int>, Range<Int>) {
        let end = line.count
        var index = 0
        while index < end, ByteClass.isToken(line[index]) { index &+= 1 }
        guard index > 0, index < end, line[index] == ByteClass.colon else {
            throw HTTPError(malformed, "invalid header field name")
        }
        let name = 0..<index
        var first = index + 1
        while first < end, line[first] == ByteClass.space || line[first] == ByteClass.tab { first &+= 1 }
        var last = end
        while last > first, line[last - 1] == ByteClass.space || line[last - 1] == ByteClass.tab { last &-= 1 }
        index = first
        while index < last {
            guard ByteClass.isFieldValue(line[index]) else {
                throw HTTPError(malformed, "invalid header field value")
            }
            index &+= 1
        }
        return (name, first..<last)
    }

    private mutating func readContentLength(_ line: borrowing Span<UInt8>, _ value: Range<Int>) throws(HTTPError) {
        // Repeated or listed lengths are refused even when they agree.
        guard contentLength == nil, !value.isEmpty, value.count <= 18 else {
            throw HTTPError(malformed, "invalid Content-Length")
        }
        var length = 0
        for index in value {
            guard ByteClass.isDigit(line[index]) else { throw HTTPError(malformed, "invalid Content-Length") }
            length = length * 10 + Int(line[index] &- 0x30)
        }
        contentLength = length
    }

    private mutating func readTransferEncoding(_ line: borrowing Span<UInt8>, _ value: Range<Int>) throws(HTTPError) {
        guard !isChunked else { throw HTTPError(malformed, "repeated Transfer-Encoding") }
        guard line.equalsIgnoringCase(value, "chunked") else {
            throw HTTPError(
                malformed == .badRequest ? .notImplemented : malformed,
                "transfer coding '\(line.text(value))' is not supported")
        }
        isChunked = true
    }

    private mutating func readConnection(_ line: borrowing Span<UInt8>, _ value: Range<Int>) {
        Self.forEachElement(line, value) { line, element in
            if line.equalsIgnoringCase(element, "close") {
                saysClose = true
            } else if line.equalsIgnoringCase(element, "keep-alive") {
                saysKeepAlive = true
            } else if line.equalsIgnoringCase(element, "upgrade") {
                saysUpgrade = true
            }
        }
    }

    private mutating func readExpect(_ line: borrowing Span<UInt8>, _ value: Range<Int>) throws(HTTPError) {
        guard line.equalsIgnoringCase(value, "100-continue") else {
            throw HTTPError(HTTPStatus(417), "expectation '\(line.text(value))' is not supported")
        }
        expectsContinue = true
    }

    /// The elements of a comma-separated list, trimmed.
    private static func forEachElement(
        _ line: borrowing Span<UInt8>, _ value: Range<Int>, _ body: (borrowing Span<UInt8>, Range<Int>) -> Void
    ) {
        var start = value.lowerBound
        while start < value.upperBound {
            var end = start
            while end < value.upperBound, line[end] != UInt8(ascii: ",") { end &+= 1 }
            var last = end
            while start < last, line[start] == ByteClass.space || line[start] == ByteClass.tab { start &+= 1 }
            while last > start, line[last - 1] == ByteClass.space || line[last - 1] == ByteClass.tab { last &-= 1 }
            if start < last { body(line, start..<last) }
            start = end + 1
        }
    }
}
