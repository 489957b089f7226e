/// RFC 4648 section 4.
enum Base64 {
    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    private static let padding = UInt8(ascii: "=")

    static func append(_ value: ArraySlice<UInt8>, to bytes: inout [UInt8]) {
        value.withUnsafeBufferPointer { value in
            let encoded = [UInt8](unsafeUninitializedCapacity: (value.count + 2) / 3 * 4) { places, count in
                encode(value, to: places)
                count = places.count
            }
            bytes.append(contentsOf: encoded)
        }
    }

    private static func encode(_ value: UnsafeBufferPointer<UInt8>, to places: UnsafeMutableBufferPointer<UInt8>) {
        let alphabet = UnsafeBufferPointer(start: alphabet.utf8Start, count: alphabet.utf8CodeUnitCount)
        var (index, place) = (0, 0)
        while index < value.count {
            let isThere = (index + 1 < value.count, index + 2 < value.count)
            let group =
                UInt32(value[index]) << 16 | (isThere.0 ? UInt32(value[index + 1]) << 8 : 0)
                | (isThere.1 ? UInt32(value[index + 2]) : 0)
            places[place] = alphabet[Int(group >> 18 & 63)]
            places[place + 1] = alphabet[Int(group >> 12 & 63)]
            places[place + 2] = isThere.0 ? alphabet[Int(group >> 6 & 63)] : padding
            places[place + 3] = isThere.1 ? alphabet[Int(group & 63)] : padding
            index += 3
            place += 4
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
