/// Keys derived from a secret (RFC 5869) with HMAC-SHA256.
public enum HKDF {
    /// `length` bytes, at most 255 × 32, that nobody can tell from random ones without the secret.
    public static func sha256(secret: [UInt8], salt: [UInt8] = [], info: [UInt8], length: Int = 32) -> [UInt8] {
        precondition((1...255 * Digest.length).contains(length), "an HKDF output of \(length) bytes")
        let key = Digest.hmacSHA256(
            key: salt.isEmpty ? [UInt8](repeating: 0, count: Digest.length) : salt, message: secret)
        var output: [UInt8] = []
        var block: [UInt8] = []
        var number: UInt8 = 1
        while output.count < length {
            block = Digest.hmacSHA256(key: key, message: block + info + [number])
            output += block
            number &+= 1
        }
        return Array(output.prefix(length))
    }
}
