internal import COpenSSL

/// A wish for a certificate (PKCS#10, RFC 2986): a public key, signed by its private half. What it says of its subject counts
/// for nothing: who issues decides that.
public final class CertificateRequest: Sendable {
    /// The longest one that is read, in bytes; one of P-256 takes some 250.
    public static let sizeLimit = 4 << 10

    // Never changed once made.
    nonisolated(unsafe) let pointer: OpaquePointer
    /// As it is sent (DER).
    public let der: [UInt8]

    /// A request that this key signs.
    public init(signedBy key: PrivateKey) {
        guard let pointer = X509_REQ_new() else { preconditionFailure("no memory for a request") }
        self.pointer = pointer
        let isMade =
            X509_REQ_set_version(pointer, 0) == 1 && X509_REQ_set_pubkey(pointer, key.pointer) == 1
            && X509_REQ_sign(pointer, key.pointer, EVP_sha256()) > 0
        precondition(isMade, "libcrypto made no request")
        der = OpenSSLBytes.written(limit: Self.sizeLimit) { i2d_X509_REQ_bio($0, pointer) }
    }

    /// Reads one, and checks that whoever made it holds the key, which must be of P-256.
    public init(der: [UInt8]) throws(CertificateError) {
        guard der.count <= Self.sizeLimit else { throw .tooLong("request", der.count) }
        let (pointer, isWhole) = OpenSSLBytes.reading(der) { (d2i_X509_REQ_bio($0, nil), BIO_ctrl_pending($0) == 0) }
        guard let pointer else { throw .malformed("request") }
        self.pointer = pointer
        self.der = der
        defer { ERR_clear_error() }
        guard isWhole else { throw .malformed("request: more than one") }
        guard let key = X509_REQ_get0_pubkey(pointer) else { throw .malformed("request's public key") }
        guard PrivateKey.isP256(key) else { throw .weakKey("a request for a key that is not of P-256") }
        guard X509_REQ_verify(pointer, key) == 1 else { throw .notSigned }
    }

    deinit { X509_REQ_free(pointer) }
}
