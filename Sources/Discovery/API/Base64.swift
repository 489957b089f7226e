/// RFC 4648 section 4.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let padding = UInt8(ascii: "=")

    static func append(_ value: ArraySlice<UInt8>, to bytes: inout [UInt8]) {
        let alphabet = alphabet
        var index = value.startIndex
        while value.endIndex - index >= 3 {
            let group = UInt32(value[index]) << 16 | UInt32(value[index + 1]) << 8 | UInt32(value[index + 2])
            for shift in [18, 12, 6, 0] as [UInt32] { bytes.append(alphabet[Int(group >> shift & 63)]) }
            index += 3
        }
        if value.endIndex - index == 1 {
            let group = UInt32(value[index]) << 16
            bytes += [alphabet[Int(group >> 18 & 63)], alphabet[Int(group >> 12 & 63)], padding, padding]
        } else if value.endIndex - index == 2 {
            let group = UInt32(value[index]) << 16 | UInt32(value[index + 1]) << 8
            bytes += [18, 12, 6].map { alphabet[Int(group >> $0 & 63)] } + [padding]
        }
    }

    /// Nil for what is none; padding must be whole.
    static func decode(_ text: String) -> [UInt8]? {
        let bytes = Array(text.utf8)
        guard bytes.count % 4 == 0 else { return nil }
        let digits = bytes.count - (bytes.suffix(2).reversed().prefix { $0 == padding }.count)
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count / 4 * 3)
        var group: UInt32 = 0
        for (index, byte) in bytes[..<digits].enumerated() {
            guard let digit = digit(byte) else { return nil }
            group = group << 6 | digit
            guard index % 4 == 3 else { continue }
            decoded += [UInt8(group >> 16 & 255), UInt8(group >> 8 & 255), UInt8(group & 255)]
            group = 0
        }
        switch digits % 4 {
        case 2: decoded.append(UInt8(group >> 4 & 255))
        case 3: decoded += [UInt8(group >> 10 & 255), UInt8(group >> 2 & 255)]
        default: break
        }
        return decoded
    }

    private static func digit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
