/// Bytes that came in and were not consumed yet. An array that arrives into an empty buffer is adopted, not copied, and
/// may leave again whole.
public struct InputBuffer: Sendable {
    private(set) var bytes: [UInt8] = []
    private var start = 0
    /// Offset behind which no line feed was looked for yet.
    private var scanned = 0

    /// What the search for a line found.
    enum Line {
        case incomplete
        case tooLong
        case bareLineFeed
        /// Indices into `bytes`, without CRLF.
        case found(Range<Int>)
    }

    public init() {}

    public var count: Int { bytes.count - start }
    public var isEmpty: Bool { start == bytes.count }

    /// Appends what was read.
    public mutating func append(_ more: [UInt8]) {
        if isEmpty {
            bytes = more
            scanned = 0
        } else if start == 0 {
            bytes += more
            return
        } else {
            bytes.removeFirst(start)
            bytes += more
            scanned -= start
        }
        start = 0
    }

    /// Consumes and returns at most `limit` bytes; empty if there are none.
    public mutating func take(upTo limit: Int) -> [UInt8] {
        let available = count
        if available <= limit {
            defer { self = InputBuffer() }
            return start == 0 ? bytes : Array(bytes[start...])
        }
        let end = start + max(limit, 0)
        defer { consume(to: end) }
        return Array(bytes[start..<end])
    }

    /// The next byte, left in place.
    var first: UInt8? { isEmpty ? nil : bytes[start] }

    mutating func skip(_ length: Int) { consume(to: min(start + length, bytes.count)) }

    /// Consumes one line that ends in CRLF and is at most `limit` bytes without it.
    mutating func line(upTo limit: Int) -> Line {
        let index = lineFeed(from: max(scanned, start))
        scanned = index
        guard index < bytes.count else { return index - start > limit + 1 ? .tooLong : .incomplete }
        guard index > start, bytes[index - 1] == ByteClass.carriageReturn else { return .bareLineFeed }
        let range = start..<(index - 1)
        guard range.count <= limit else { return .tooLong }
        consume(to: index + 1)
        return .found(range)
    }

    /// Where the next line feed is, or the end.
    private func lineFeed(from first: Int) -> Int {
        let span = bytes.span
        var index = first
        while index < span.count, span[index] != ByteClass.lineFeed { index &+= 1 }
        return index
    }

    private mutating func consume(to index: Int) {
        start = index
        scanned = index
    }
}
