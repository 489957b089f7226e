internal import COpenSSL

/// Authenticated encryption with AES-256-GCM (NIST SP 800-38D).
///
/// A sealed box is: version (1 byte), nonce (12 bytes, random), ciphertext, tag (16 bytes). With random nonces a key is good for
/// 2^32 boxes.
public enum SealedBox {
    /// Why a box could not be made or opened.
    public enum Failure: Error, Sendable, Hashable, CustomStringConvertible {
        /// The key is not 32 bytes long.
        case keyLength(Int)
        /// The box is too short or of an unknown version.
        case malformed
        /// The key, the context or the box is not the one that belongs here.
        case notAuthentic
        /// Longer than 2^31 bytes.
        case tooLong

        public var description: String {
            switch self {
            case .keyLength(let length): "sealed box: a key of \(length) bytes instead of \(SealedBox.keyLength)"
            case .malformed: "sealed box: malformed"
            case .notAuthentic: "sealed box: not authentic (wrong key, or changed)"
            case .tooLong: "sealed box: too long"
            }
        }
    }

    public static let keyLength = 32
    /// How much longer a box is than what is in it.
    public static let overhead = 1 + nonceLength + tagLength
    private static let version: UInt8 = 1
    private static let nonceLength = 12
    private static let tagLength = 16

    /// Seals; the context is not in the box, but it opens only with the same one.
    public static func seal(_ plain: [UInt8], key: [UInt8], context: [UInt8] = []) throws(Failure) -> [UInt8] {
        guard key.count == keyLength else { throw .keyLength(key.count) }
        guard plain.count < 1 << 31, context.count < 1 << 31 else { throw .tooLong }
        let header = [version] + randomBytes(nonceLength)
        let cipher = Cipher()
        return [UInt8](unsafeUninitializedCapacity: plain.count + overhead) { box, count in
            guard let base = box.baseAddress else { return }
            for (index, byte) in header.enumerated() { base[index] = byte }
            var length: Int32 = 0
            var ok = header.withUnsafeBufferPointer { header in
                EVP_EncryptInit_ex(cipher.context, EVP_aes_256_gcm(), nil, key, header.baseAddress.map { $0 + 1 })
            }
            ok &= EVP_EncryptUpdate(cipher.context, nil, &length, context, Int32(context.count))
            let body = base + header.count
            ok &= EVP_EncryptUpdate(cipher.context, body, &length, plain, Int32(plain.count))
            var rest: Int32 = 0
            ok &= EVP_EncryptFinal_ex(cipher.context, body + plain.count, &rest)
            ok &= EVP_CIPHER_CTX_ctrl(
                cipher.context, EVP_CTRL_AEAD_GET_TAG, Int32(tagLength), UnsafeMutableRawPointer(body + plain.count))
            precondition(ok == 1, "AES-256-GCM failed")
            count = plain.count + overhead
        }
    }

    /// What is in the box.
    public static func open(_ box: [UInt8], key: [UInt8], context: [UInt8] = []) throws(Failure) -> [UInt8] {
        guard key.count == keyLength else { throw .keyLength(key.count) }
        guard box.count >= overhead, box[0] == version else { throw .malformed }
        guard box.count < 1 << 31, context.count < 1 << 31 else { throw .tooLong }
        let cipher = Cipher()
        let length = box.count - overhead
        var tag = Array(box.suffix(tagLength))
        var isAuthentic = false
        let plain = [UInt8](unsafeUninitializedCapacity: max(1, length)) { buffer, count in
            box.withUnsafeBufferPointer { box in
                guard let base = box.baseAddress else { return }
                var written: Int32 = 0
                var ok = EVP_DecryptInit_ex(cipher.context, EVP_aes_256_gcm(), nil, key, base + 1)
                ok &= EVP_DecryptUpdate(cipher.context, nil, &written, context, Int32(context.count))
                ok &= EVP_DecryptUpdate(
                    cipher.context, buffer.baseAddress, &written, base + 1 + nonceLength, Int32(length))
                ok &= EVP_CIPHER_CTX_ctrl(cipher.context, EVP_CTRL_AEAD_SET_TAG, Int32(tagLength), &tag)
                var rest: Int32 = 0
                var nothing: UInt8 = 0
                isAuthentic = ok == 1 && EVP_DecryptFinal_ex(cipher.context, &nothing, &rest) == 1
            }
            count = isAuthentic ? length : 0
        }
        guard isAuthentic else { throw .notAuthentic }
        return plain
    }

    private struct Cipher: ~Copyable {
        let context: OpaquePointer

        init() {
            guard let context = EVP_CIPHER_CTX_new() else { preconditionFailure("no memory for a cipher") }
            self.context = context
        }

        deinit { EVP_CIPHER_CTX_free(context) }
    }
}
