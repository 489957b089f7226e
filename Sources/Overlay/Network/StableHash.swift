/// A 64-bit hash that is the same in every process (FNV-1a), unlike Swift's own: names of interfaces are made from it, so
/// that the next process finds what this one made.
enum StableHash {
    static func value(of bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    }

    /// `digits` hexadecimal digits, at most 16.
    static func text(of bytes: some Sequence<UInt8>, digits: Int = 16) -> String {
        let full = String(value(of: bytes), radix: 16)
        let padded = String(repeating: "0", count: 16 - full.count) + full
        return String(padded.suffix(digits))
    }
}
