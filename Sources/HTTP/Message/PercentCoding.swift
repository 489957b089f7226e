/// Percent-encoding of paths and queries (RFC 3986 section 2.1).
public enum PercentCoding {
    /// Encodes everything but unreserved characters: fit for one path segment or one query name or value.
    public static func encode(_ text: String) -> String { encode(text, keepingSlashes: false) }

    /// The same, but slashes stand: fit for a path of several segments, such as an image's name.
    public static func encodePath(_ text: String) -> String { encode(text, keepingSlashes: true) }

    /// Decodes `%XX`.
    ///
    /// - Parameter plusIsSpace: as in queries.
    /// - Throws: `HTTPError` 400 for a broken escape, or a result that is not UTF-8 or holds NUL.
    public static func decode(_ text: String, plusIsSpace: Bool = false) throws(HTTPError) -> String {
        let isPlain = text.utf8.allSatisfy { $0 != UInt8(ascii: "%") && !(plusIsSpace && $0 == UInt8(ascii: "+")) }
        if isPlain { return text }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var rest = text.utf8.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.next().flatMap(ByteClass.hexValue),
                    let low = rest.next().flatMap(ByteClass.hexValue)
                else {
                    throw HTTPError(.badRequest, "invalid percent-encoding")
                }
                guard high | low != 0 else {
                    throw HTTPError(.badRequest, "%00 stands for the character NUL, which is not allowed here")
                }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(ByteClass.space)
            default: bytes.append(byte)
            }
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw HTTPError(.badRequest, "percent-encoded text is not UTF-8")
        }
        return decoded
    }

    private static func encode(_ text: String, keepingSlashes: Bool) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: bytes.append(byte)
            case UInt8(ascii: "/") where keepingSlashes: bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
