internal import COpenSSL

/// Why a key, a request or a certificate cannot be used.
public enum CertificateError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Not what it should be at all: which thing, and what is wrong.
    case malformed(String)
    /// Longer than its limit, in bytes.
    case tooLong(String, Int)
    /// A key that is locked by a passphrase.
    case encryptedKey
    /// Whoever made the request does not hold its key.
    case notSigned
    /// The key is of a kind, or so short, that it is not taken.
    case weakKey(String)
    /// The certificate is not to be trusted, and why, in OpenSSL's words.
    case untrusted(String)
    /// Not a root that can issue certificates: why.
    case notARoot(String)

    public var description: String {
        switch self {
        case .malformed(let what): "certificate: malformed \(what)"
        case .tooLong(let what, let count): "certificate: \(what) of \(count) bytes is too long"
        case .encryptedKey: "certificate: the private key is locked by a passphrase: give it unlocked"
        case .notSigned: "certificate: the request is not signed by its own key"
        case .weakKey(let what):
            "certificate: \(what) is not taken: P-256, P-384, P-521 or RSA of 2,048 bits and more are"
        case .untrusted(let reason): "certificate: not to be trusted: \(reason)"
        case .notARoot(let reason): "certificate: not a root that can issue certificates: \(reason)"
        }
    }
}

/// Bytes in and out of libcrypto.
enum OpenSSLBytes {
    /// Parses from memory; the error queue is left empty.
    static func reading<T>(_ bytes: [UInt8], _ parse: (OpaquePointer) -> T) -> T {
        bytes.withUnsafeBytes { buffer in
            guard let bio = BIO_new_mem_buf(buffer.baseAddress, Int32(clamping: buffer.count)) else {
                preconditionFailure("no memory for a BIO")
            }
            defer {
                BIO_free(bio)
                ERR_clear_error()
            }
            return parse(bio)
        }
    }

    /// What `write` writes; it returns 1 where it could.
    static func written(limit: Int, _ write: (OpaquePointer) -> Int32) -> [UInt8] {
        guard let bio = BIO_new(BIO_s_mem()) else { preconditionFailure("no memory for a BIO") }
        defer { BIO_free(bio) }
        precondition(write(bio) == 1, "libcrypto could not write what it holds")
        return [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            count = max(0, Int(BIO_read(bio, buffer.baseAddress, Int32(clamping: limit))))
        }
    }
}
