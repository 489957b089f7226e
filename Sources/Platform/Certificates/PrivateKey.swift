internal import COpenSSL

/// A private key and its public half. Nodes' own are of P-256 (FIPS 186-5); an operator's root may have others.
public final class PrivateKey: Sendable {
    /// The longest PEM that is read, in bytes.
    public static let sizeLimit = 16 << 10

    // Never changed once made; libcrypto counts its references and guards what it caches.
    nonisolated(unsafe) let pointer: OpaquePointer

    private init(owning pointer: OpaquePointer) { self.pointer = pointer }

    deinit { EVP_PKEY_free(pointer) }

    /// A new key of P-256.
    public static func generate() -> PrivateKey {
        guard let pointer = cossl_generate_p256() else { preconditionFailure("libcrypto made no P-256 key") }
        return PrivateKey(owning: pointer)
    }

    /// The first private key of a PEM text (RFC 7468), without a passphrase.
    public init(pem: [UInt8]) throws(CertificateError) {
        guard pem.count <= Self.sizeLimit else { throw .tooLong("private key", pem.count) }
        var wasLocked = false
        let pointer = OpenSSLBytes.reading(pem) { bio in
            withUnsafeMutablePointer(to: &wasLocked) { flag in
                // Without a callback OpenSSL would ask the terminal.
                PEM_read_bio_PrivateKey(
                    bio, nil,
                    { _, _, _, flag in
                        flag?.assumingMemoryBound(to: Bool.self).pointee = true
                        return -1
                    }, flag)
            }
        }
        guard let pointer else { throw wasLocked ? .encryptedKey : .malformed("private key") }
        self.pointer = pointer
        guard Self.strength(of: pointer) != nil else { throw .weakKey("this private key") }
    }

    /// PKCS#8 as PEM (RFC 7468), unlocked: a secret.
    public var pem: [UInt8] {
        OpenSSLBytes.written(limit: Self.sizeLimit) {
            PEM_write_bio_PKCS8PrivateKey($0, pointer, nil, nil, 0, nil, nil)
        }
    }

    /// The bits of security of a public key (`EVP_PKEY_get_security_bits`); nil where it is not taken.
    static func strength(of key: OpaquePointer) -> Int32? {
        let isKnown = EVP_PKEY_is_a(key, "EC") == 1 || EVP_PKEY_is_a(key, "RSA") == 1
        let bits = EVP_PKEY_get_security_bits(key)
        return isKnown && bits >= 112 ? bits : nil
    }

    /// Whether it is a key on P-256.
    static func isP256(_ key: OpaquePointer) -> Bool {
        guard EVP_PKEY_is_a(key, "EC") == 1 else { return false }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { name in
            var length = 0
            guard EVP_PKEY_get_group_name(key, name.baseAddress, name.count, &length) == 1,
                let base = name.baseAddress
            else { return false }
            return String(cString: base) == "prime256v1"
        }
    }
}
