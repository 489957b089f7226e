/// Numbers and short texts as they go over the wire, big-endian.
enum Wire {
    static func u16(_ value: UInt16) -> [UInt8] {
        [UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
    }

    /// Its length in one byte, then the text, of which at most 255 bytes are sent.
    static func short(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8.prefix(255))
        return [UInt8(truncatingIfNeeded: bytes.count)] + bytes
    }
}

/// Reads bytes in order; nil where there are not enough.
struct WireReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func u8() -> UInt8? { rest.popFirst() }

    mutating func u16() -> UInt16? {
        bytes(2).map { $0.reduce(0) { $0 << 8 | UInt16($1) } }
    }

    mutating func bytes(_ count: Int) -> ArraySlice<UInt8>? {
        guard count <= rest.count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    /// Nil also where it is not UTF-8.
    mutating func short() -> String? {
        guard let count = u8(), let bytes = bytes(Int(count)) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }
}
