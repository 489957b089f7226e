/// Where a body ends (RFC 9112 section 6.3), as a decoder of the bytes behind a head.
enum BodyDecoder: Sendable {
    case none
    case fixed(remaining: Int)
    case chunked(ChunkedDecoder)
    /// Until the peer closes, within what remains of the limit.
    case untilClose(remaining: Int)

    mutating func next(from buffer: inout InputBuffer) throws(HTTPError) -> ChunkedDecoder.Event {
        switch self {
        case .none:
            return .end
        case .fixed(let remaining):
            if remaining == 0 { return .end }
            if buffer.isEmpty { return .needMore }
            let bytes = buffer.take(upTo: remaining)
            self = .fixed(remaining: remaining - bytes.count)
            return .bytes(bytes)
        case .chunked(var decoder):
            defer { self = .chunked(decoder) }
            return try decoder.next(from: &buffer)
        case .untilClose(let remaining):
            if buffer.isEmpty { return .needMore }
            guard buffer.count <= remaining else { throw HTTPError(.badGateway, "body too large") }
            let bytes = buffer.take(upTo: remaining)
            self = .untilClose(remaining: remaining - bytes.count)
            return .bytes(bytes)
        }
    }
}
