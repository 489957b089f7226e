/// Numbers and short texts as they go over the wire, big-endian.
enum Wire {
    static func u16(_ value: UInt16) -> [UInt8] {
        [UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
    }

    /// The number in the two bytes at `index`; nil where there are not so many.
    static func u16(_ bytes: [UInt8], at index: Int) -> UInt16? {
        guard index >= 0, index + 1 < bytes.count else { return nil }
        return UInt16(bytes[index]) << 8 | UInt16(bytes[index + 1])
    }

    /// Its length in one byte, then the text, of which at most 255 bytes are sent.
    static func short(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8.prefix(255))
        return [UInt8(truncatingIfNeeded: bytes.count)] + bytes
    }
}
