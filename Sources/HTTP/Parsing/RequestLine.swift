/// `method SP request-target SP HTTP-version` (RFC 9112 section 3).
struct RequestLine: Sendable {
    let method: HTTPMethod
    /// Origin form or `*`.
    let target: String
    let version: HTTPVersion

    private static let methodBytes = 32

    init(_ line: borrowing Span<UInt8>) throws(HTTPError) {
        let end = line.count
        var index = 0
        while index < end, ByteClass.isToken(line[index]) { index &+= 1 }
        guard index > 0, index < end, line[index] == ByteClass.space else {
            throw HTTPError(.badRequest, "invalid method")
        }
        guard index <= Self.methodBytes else { throw HTTPError(.notImplemented, "unknown method") }
        let method = 0..<index
        let targetStart = index + 1
        index = targetStart
        var isASCII = true
        while index < end, ByteClass.isTarget(line[index]) {
            if line[index] >= 0x80 { isASCII = false }
            index &+= 1
        }
        guard index > targetStart, index < end, line[index] == ByteClass.space else {
            throw HTTPError(.badRequest, "invalid request target")
        }
        version = try Self.readVersion(line, (index + 1)..<end)
        self.method = Self.readMethod(line, method)
        target = try Self.readTarget(line, targetStart..<index, isASCII: isASCII, self.method)
    }

    private static func readVersion(_ line: borrowing Span<UInt8>, _ range: Range<Int>) throws(HTTPError) -> HTTPVersion
    {
        let start = range.lowerBound
        guard range.count == 8, line.extracting(start..<(start + 5)).equals("HTTP/"),
            ByteClass.isDigit(line[start + 5]), line[start + 6] == UInt8(ascii: "."),
            ByteClass.isDigit(line[start + 7])
        else {
            throw HTTPError(.badRequest, "invalid HTTP version")
        }
        guard line[start + 5] == UInt8(ascii: "1") else {
            throw HTTPError(.versionNotSupported, "only HTTP/1.0 and HTTP/1.1 are spoken here")
        }
        return line[start + 7] == UInt8(ascii: "0") ? .http10 : .http11
    }

    private static func readMethod(_ line: borrowing Span<UInt8>, _ range: Range<Int>) -> HTTPMethod {
        let span = line.extracting(range)
        if span.equals("GET") { return .get }
        if span.equals("POST") { return .post }
        if span.equals("PUT") { return .put }
        if span.equals("DELETE") { return .delete }
        if span.equals("HEAD") { return .head }
        return HTTPMethod(line.text(range))
    }

    private static func readTarget(
        _ line: borrowing Span<UInt8>, _ range: Range<Int>, isASCII: Bool, _ method: HTTPMethod
    ) throws(HTTPError) -> String {
        guard method != .connect else { throw HTTPError(.notImplemented, "CONNECT is not supported") }
        let text = line.text(range)
        // Replaced bytes would name something else than what was asked for.
        guard isASCII || text.utf8.count == range.count && text.utf8.elementsEqual(line.copy(range)) else {
            throw HTTPError(.badRequest, "request target is not UTF-8")
        }
        if line[range.lowerBound] == UInt8(ascii: "/") { return text }
        if text == "*", method == .options { return text }
        for scheme in ["http://", "https://"] where text.lowercasedPrefix(scheme.utf8.count) == scheme {
            let rest = text.dropFirst(scheme.utf8.count)
            guard let slash = rest.firstIndex(where: { $0 == "/" || $0 == "?" }) else { return "/" }
            return rest[slash] == "/" ? String(rest[slash...]) : "/" + rest[slash...]
        }
        throw HTTPError(.badRequest, "invalid request target")
    }
}

extension Span where Element == UInt8 {
    func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        for index in 0..<count where self[index] != text.utf8Start[index] { return false }
        return true
    }

    func copy(_ range: Range<Int>) -> [UInt8] {
        extracting(range).withUnsafeBufferPointer { Array($0) }
    }
}

extension String {
    fileprivate func lowercasedPrefix(_ length: Int) -> String {
        String(decoding: utf8.prefix(length).map(lowercase), as: UTF8.self)
    }
}
