internal import COpenSSL

/// AES-256-GCM (NIST SP 800-38D) with one key, for many records: the key's schedule is made once.
///
/// A sealed record is its nonce (12 bytes), ciphertext and tag (16 bytes). **A nonce must never be used twice with a key**: whoever
/// draws or counts them says why that cannot be. Used by one thread at a time (the type is not Sendable).
public final class RecordCipher {
    public static let keyBytes = 32
    public static let nonceBytes = 12
    public static let tagBytes = 16
    /// How much longer a record is than what is in it.
    public static let overhead = nonceBytes + tagBytes
    /// Longer records are not made and not opened.
    public static let maximumBytes = 1 << 30

    private let sealing: OpaquePointer
    private let opening: OpaquePointer

    /// The key is 32 bytes long.
    public init(key: [UInt8]) {
        precondition(key.count == Self.keyBytes, "an AES-256 key of \(key.count) bytes")
        guard let sealing = EVP_CIPHER_CTX_new(), let opening = EVP_CIPHER_CTX_new(),
            EVP_EncryptInit_ex(sealing, EVP_aes_256_gcm(), nil, key, nil) == 1,
            EVP_DecryptInit_ex(opening, EVP_aes_256_gcm(), nil, key, nil) == 1
        else { preconditionFailure("no AES-256-GCM in libcrypto") }
        self.sealing = sealing
        self.opening = opening
    }

    deinit {
        EVP_CIPHER_CTX_free(sealing)
        EVP_CIPHER_CTX_free(opening)
    }

    /// Seals; the context is not in the record, but it opens only with the same one.
    public func seal(_ plain: [UInt8], nonce: [UInt8], context: [UInt8]) -> [UInt8] {
        plain.withUnsafeBytes { seal($0, nonce: nonce, context: context) }
    }

    /// The same for bytes that are no array.
    public func seal(_ plain: UnsafeRawBufferPointer, nonce: [UInt8], context: [UInt8]) -> [UInt8] {
        precondition(nonce.count == Self.nonceBytes, "a nonce of \(nonce.count) bytes")
        precondition(plain.count <= Self.maximumBytes && context.count <= Self.maximumBytes, "too long to be sealed")
        return [UInt8](unsafeUninitializedCapacity: plain.count + Self.overhead) { record, count in
            guard let base = record.baseAddress else { return }
            for (index, byte) in nonce.enumerated() { base[index] = byte }
            let body = base + Self.nonceBytes
            let source = plain.baseAddress?.assumingMemoryBound(to: UInt8.self)
            var length: Int32 = 0
            var ok = EVP_EncryptInit_ex(sealing, nil, nil, nil, nonce)
            ok &= EVP_EncryptUpdate(sealing, nil, &length, context, Int32(context.count))
            if let source, !plain.isEmpty {
                ok &= EVP_EncryptUpdate(sealing, body, &length, source, Int32(plain.count))
            }
            ok &= EVP_EncryptFinal_ex(sealing, body + plain.count, &length)
            ok &= EVP_CIPHER_CTX_ctrl(
                sealing, EVP_CTRL_AEAD_GET_TAG, Int32(Self.tagBytes), UnsafeMutableRawPointer(body + plain.count))
            precondition(ok == 1, "AES-256-GCM failed")
            count = plain.count + Self.overhead
        }
    }

    /// What is in the record; nil where key, context or record is not the one that belongs here.
    public func open(_ record: [UInt8], context: [UInt8]) -> [UInt8]? {
        record.withUnsafeBytes { open($0, context: context) }
    }

    /// The same for a part of an array.
    public func open(_ record: ArraySlice<UInt8>, context: [UInt8]) -> [UInt8]? {
        record.withUnsafeBytes { open($0, context: context) }
    }

    private func open(_ record: UnsafeRawBufferPointer, context: [UInt8]) -> [UInt8]? {
        let length = record.count - Self.overhead
        guard length >= 0, length <= Self.maximumBytes, context.count <= Self.maximumBytes,
            let base = record.baseAddress?.assumingMemoryBound(to: UInt8.self)
        else { return nil }
        var tag = Array(record.suffix(Self.tagBytes))
        var isAuthentic = false
        let plain = [UInt8](unsafeUninitializedCapacity: max(1, length)) { buffer, count in
            var written: Int32 = 0
            var nothing: UInt8 = 0
            var ok = EVP_DecryptInit_ex(opening, nil, nil, nil, base)
            ok &= EVP_DecryptUpdate(opening, nil, &written, context, Int32(context.count))
            if length > 0 {
                ok &= EVP_DecryptUpdate(
                    opening, buffer.baseAddress, &written, base + Self.nonceBytes, Int32(length))
            }
            ok &= EVP_CIPHER_CTX_ctrl(opening, EVP_CTRL_AEAD_SET_TAG, Int32(Self.tagBytes), &tag)
            isAuthentic = ok == 1 && EVP_DecryptFinal_ex(opening, &nothing, &written) == 1
            count = isAuthentic ? length : 0
        }
        return isAuthentic ? plain : nil
    }
}
