/// Reads what `ByteWriter` wrote; every read is checked against what is left.
struct ByteReader {
    private let bytes: [UInt8]
    private(set) var position: Int
    private let end: Int

    init(_ bytes: [UInt8]) { self.init(bytes, in: 0..<bytes.count) }

    /// Reads within `range`, which must lie within the bytes.
    init(_ bytes: [UInt8], in range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    var remaining: Int { end - position }

    mutating func read<Number: FixedWidthInteger>() throws(RaftError) -> Number {
        let size = MemoryLayout<Number>.size
        guard remaining >= size else { throw RaftError(.malformed, "\(size) bytes wanted, \(remaining) left") }
        let start = position
        position += size
        return Number(
            littleEndian: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: start, as: Number.self) })
    }

    mutating func read(raw count: Int) throws(RaftError) -> [UInt8] {
        guard count >= 0, count <= remaining else {
            throw RaftError(.malformed, "\(count) bytes wanted, \(remaining) left")
        }
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    mutating func readPrefixed(limit: Int) throws(RaftError) -> [UInt8] {
        let count: UInt32 = try read()
        guard count <= limit else { throw RaftError(.malformed, "\(count) bytes where at most \(limit) are allowed") }
        return try read(raw: Int(count))
    }

    func expectEnd() throws(RaftError) {
        guard remaining == 0 else { throw RaftError(.malformed, "\(remaining) bytes too many") }
    }
}
