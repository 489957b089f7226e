/// Decodes a chunked body (RFC 9112 section 7.1): bytes in, pieces of content out. Sizes are bounded hexadecimal,
/// extensions are ignored within a bound, trailer fields are checked and dropped.
public struct ChunkedDecoder: Sendable {
    /// What came out.
    public enum Event: Sendable, Equatable {
        case needMore
        case bytes([UInt8])
        case end
    }

    private enum State {
        case size
        case data(remaining: Int)
        case dataEnd
        case trailer
        case ended
    }

    /// A size line with its extensions.
    private static let sizeLineBytes = 256
    private static let sizeDigits = 15

    private var state = State.size
    private var received = 0
    private var trailer: FieldSection
    private let limits: HTTPLimits
    private let malformed: HTTPStatus

    /// - Parameter malformed: what bad input is reported as: 400 from a client, 502 from a server.
    public init(limits: HTTPLimits, malformed: HTTPStatus = .badRequest) {
        self.limits = limits
        self.malformed = malformed
        trailer = FieldSection(malformed: malformed)
    }

    /// Consumes from `buffer` up to the next event. After `.end` the buffer begins with what follows the body.
    public mutating func next(from buffer: inout InputBuffer) throws(HTTPError) -> Event {
        while true {
            switch state {
            case .size:
                guard let line = try line(&buffer, upTo: Self.sizeLineBytes) else { return .needMore }
                try beginChunk(size: readSize(buffer.bytes.span.extracting(line)))
            case .data(let remaining):
                guard !buffer.isEmpty else { return .needMore }
                let bytes = buffer.take(upTo: remaining)
                state = bytes.count == remaining ? .dataEnd : .data(remaining: remaining - bytes.count)
                return .bytes(bytes)
            case .dataEnd:
                guard let line = try line(&buffer, upTo: 0) else { return .needMore }
                guard line.isEmpty else { throw HTTPError(malformed, "invalid chunk") }
                state = .size
            case .trailer:
                guard let line = try line(&buffer, upTo: trailer.allowance(limits)) else { return .needMore }
                if line.isEmpty {
                    state = .ended
                } else {
                    try trailer.add(buffer.bytes.span.extracting(line), limits)
                }
            case .ended:
                return .end
            }
        }
    }

    private func line(_ buffer: inout InputBuffer, upTo limit: Int) throws(HTTPError) -> Range<Int>? {
        switch buffer.line(upTo: limit) {
        case .found(let range): range
        case .incomplete: nil
        case .tooLong, .bareLineFeed: throw HTTPError(malformed, "invalid chunk")
        }
    }

    private mutating func beginChunk(size: Int) throws(HTTPError) {
        guard size <= limits.bodyBytes - received else {
            throw HTTPError(.contentTooLarge, "body larger than \(limits.bodyBytes) bytes")
        }
        received += size
        state = size == 0 ? .trailer : .data(remaining: size)
    }

    /// `1*HEXDIG [ chunk-ext ]`; an extension begins with `;` behind optional white space.
    private func readSize(_ line: borrowing Span<UInt8>) throws(HTTPError) -> Int {
        var size = 0
        var index = 0
        while index < line.count, let digit = ByteClass.hexValue(line[index]) {
            guard index < Self.sizeDigits else { throw HTTPError(malformed, "invalid chunk size") }
            size = size << 4 | Int(digit)
            index += 1
        }
        guard index > 0 else { throw HTTPError(malformed, "invalid chunk size") }
        while index < line.count, line[index] == ByteClass.space || line[index] == ByteClass.tab { index += 1 }
        guard index == line.count || line[index] == UInt8(ascii: ";") else {
            throw HTTPError(malformed, "invalid chunk size")
        }
        while index < line.count {
            guard ByteClass.isFieldValue(line[index]) else { throw HTTPError(malformed, "invalid chunk extension") }
            index += 1
        }
        return size
    }
}
