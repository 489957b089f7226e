internal import CLinux
internal import Glibc

/// Random bytes of the kernel, good for keys (getrandom(2)).
public func randomBytes(_ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        while initialized < count, let base = buffer.baseAddress {
            let got = getrandom(base + initialized, count - initialized, 0)
            if got > 0 {
                initialized += got
            } else {
                precondition(got == -1 && errno == EINTR, "getrandom failed with errno \(errno)")
            }
        }
    }
}

/// Random names for objects.
public enum Identifier {
    private static let alphabet = [UInt8]("0123456789abcdefghijklmnopqrstuvwxyz".utf8)

    /// The length of a `random()` identifier: 25 digits to the base 36 hold 129 bits.
    public static let length = 25

    /// 25 characters of `[0-9a-z]`, the shape of Swarm's identifiers.
    public static func random() -> String {
        var characters: [UInt8] = []
        characters.reserveCapacity(length)
        while characters.count < length {
            // 252 = 7 × 36: bytes above it would favour the first digits.
            for byte in randomBytes(32) where byte < 252 && characters.count < length {
                characters.append(alphabet[Int(byte % 36)])
            }
        }
        return String(decoding: characters, as: UTF8.self)
    }

    /// A random string of `2 × bytes` lower-case hexadecimal digits.
    public static func randomHex(bytes: Int) -> String {
        Digest.hex(randomBytes(bytes))
    }
}
