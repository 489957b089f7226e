internal import COpenSSL

/// SHA-256 digests and what is made of them.
public enum Digest {
    /// The length of a SHA-256 digest in bytes.
    public static let length = 32

    /// The SHA-256 digest, 32 bytes.
    public static func sha256(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            _ = SHA256(bytes, bytes.count, buffer.baseAddress)
            count = length
        }
    }

    /// The SHA-256 digest, 32 bytes.
    public static func sha256(_ bytes: some Collection<UInt8>) -> [UInt8] {
        sha256([UInt8](bytes))
    }

    /// The SHA-256 digest of the text's UTF-8.
    public static func sha256(_ text: String) -> [UInt8] {
        sha256([UInt8](text.utf8))
    }

    /// HMAC-SHA256 (RFC 2104), 32 bytes.
    public static func hmacSHA256(key: [UInt8], message: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            var written: UInt32 = 0
            let result = HMAC(EVP_sha256(), key, Int32(key.count), message, message.count, buffer.baseAddress, &written)
            precondition(result != nil && written == length, "HMAC-SHA256 failed")
            count = length
        }
    }

    /// Lower-case hexadecimal digits, two a byte.
    public static func hex(_ bytes: some Collection<UInt8>) -> String {
        String(unsafeUninitializedCapacity: bytes.count * 2) { buffer in
            var position = 0
            for byte in bytes {
                buffer[position] = hexDigit(byte >> 4)
                buffer[position + 1] = hexDigit(byte & 15)
                position += 2
            }
            return position
        }
    }

    /// The number that the bytes are, big-endian, in digits 0-9 and a-z; always as many as the longest number of so many bytes
    /// needs: 50 for a SHA-256 digest.
    public static func base36(_ bytes: [UInt8]) -> String {
        // log(256) / log(36) is a little less than 1,548 / 1,000.
        var digits = [UInt8](repeating: 0, count: (bytes.count * 1548 + 999) / 1000)
        for byte in bytes {
            var carry = Int(byte)
            for index in digits.indices.reversed() {
                carry += Int(digits[index]) << 8
                digits[index] = UInt8(carry % 36)
                carry /= 36
            }
        }
        return String(decoding: digits.map { $0 < 10 ? 48 + $0 : 87 + $0 }, as: UTF8.self)
    }

    /// The bytes of hexadecimal digits of either case; nil when they are none.
    public static func bytes(hex: String) -> [UInt8]? {
        let digits = Array(hex.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = hexValue(digits[index]), let low = hexValue(digits[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    /// Compares in a time that depends on the lengths only, not on where the bytes differ.
    public static func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
    }

    private static func hexDigit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 48 + nibble : 87 + nibble }

    private static func hexValue(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 48...57: digit - 48
        case 97...102: digit - 87
        case 65...70: digit - 55
        default: nil
        }
    }

    /// SHA-256 of bytes that come piece by piece.
    public struct SHA256Hasher: ~Copyable, Sendable {
        // The context is this value's own; a value that cannot be copied is used by one thread at a time.
        nonisolated(unsafe) private let context: OpaquePointer

        public init() {
            guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
                preconditionFailure("no SHA-256 in libcrypto")
            }
            self.context = context
        }

        deinit { EVP_MD_CTX_free(context) }

        /// Takes more bytes in, in the order of the calls.
        public mutating func update(_ bytes: UnsafeRawBufferPointer) {
            guard let base = bytes.baseAddress, bytes.count > 0 else { return }
            EVP_DigestUpdate(context, base, bytes.count)
        }

        /// The same for an array.
        public mutating func update(_ bytes: [UInt8]) {
            bytes.withUnsafeBytes { update($0) }
        }

        /// The same for a part of one.
        public mutating func update(_ bytes: ArraySlice<UInt8>) {
            bytes.withUnsafeBytes { update($0) }
        }

        /// The digest of all that was given, 32 bytes.
        public consuming func finish() -> [UInt8] {
            [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
                var written: UInt32 = 0
                EVP_DigestFinal_ex(context, buffer.baseAddress, &written)
                count = Int(written)
            }
        }
    }
}
