internal import COpenSSL
internal import Glibc

/// A certificate (X.509 v3, RFC 5280).
public final class Certificate: Sendable {
    /// The longest one that is read, in bytes of PEM or DER.
    public static let sizeLimit = 16 << 10

    /// What a certificate is shown for.
    public enum Usage: Sendable, CaseIterable {
        case client
        case server

        var purpose: Int32 { self == .client ? X509_PURPOSE_SSL_CLIENT : X509_PURPOSE_SSL_SERVER }
    }

    // Never changed once made; libcrypto counts its references and guards what it caches.
    nonisolated(unsafe) let pointer: OpaquePointer
    /// The certificate as it is sent (DER).
    public let der: [UInt8]
    public let notBefore: Timestamp
    /// The last second in which it is valid.
    public let notAfter: Timestamp
    /// The serial number, hexadecimal in lower case, two digits a byte.
    public let serial: String

    /// Takes over the reference.
    init(owning pointer: OpaquePointer) throws(CertificateError) {
        self.pointer = pointer
        der = OpenSSLBytes.written(limit: Self.sizeLimit) { i2d_X509_bio($0, pointer) }
        serial = Self.serial(of: pointer)
        guard let notBefore = Self.time(X509_get0_notBefore(pointer)),
            let notAfter = Self.time(X509_get0_notAfter(pointer))
        else {
            self.notBefore = .zero
            self.notAfter = .zero
            throw .malformed("time of validity")
        }
        self.notBefore = notBefore
        self.notAfter = notAfter
    }

    deinit { X509_free(pointer) }

    /// The first certificate of a PEM text (RFC 7468).
    public convenience init(pem: [UInt8]) throws(CertificateError) {
        guard let first = try Self.all(pem: pem).first else { throw .malformed("certificate") }
        X509_up_ref(first.pointer)
        try self.init(owning: first.pointer)
    }

    /// All certificates of a PEM text, in their order.
    public static func all(pem: [UInt8]) throws(CertificateError) -> [Certificate] {
        guard pem.count <= sizeLimit else { throw .tooLong("certificate", pem.count) }
        var certificates: [Certificate] = []
        let pointers = OpenSSLBytes.reading(pem) { bio in
            var pointers: [OpaquePointer] = []
            while let pointer = PEM_read_bio_X509(bio, nil, { _, _, _, _ in -1 }, nil) { pointers.append(pointer) }
            return pointers
        }
        var failure: CertificateError?
        for pointer in pointers {
            do throws(CertificateError) {
                certificates.append(try Certificate(owning: pointer))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return certificates
    }

    /// PEM (RFC 7468).
    public var pem: [UInt8] {
        OpenSSLBytes.written(limit: 2 * Self.sizeLimit) { PEM_write_bio_X509($0, pointer) }
    }

    /// SHA-256 of the DER, 32 bytes: what a join token pins a root by.
    public var digest: [UInt8] { Digest.sha256(der) }

    /// The node that it speaks of: cluster (O), role (OU: `manager` or `worker`) and node id (CN), each exactly once, as
    /// SwarmKit has them, and its incarnation (serialNumber), absent for the first; nil where it speaks of something else.
    public var node: PeerIdentity? {
        guard let cluster = name(NID_organizationName), let word = name(NID_organizationalUnitName),
            let role = PeerIdentity.Role(word: word), let id = name(NID_commonName), !id.isEmpty, !cluster.isEmpty,
            let incarnation
        else { return nil }
        return PeerIdentity(nodeID: id, role: role, clusterID: cluster, incarnation: incarnation)
    }

    /// Zero where there is none; nil for one that is not spelled as it should be.
    private var incarnation: UInt32? {
        guard let subject = X509_get_subject_name(pointer),
            X509_NAME_get_index_by_NID(subject, NID_serialNumber, -1) >= 0
        else { return 0 }
        guard let text = name(NID_serialNumber), let number = UInt32(text), number > 0, "\(number)" == text else {
            return nil
        }
        return number
    }

    /// Throws where `root` has not issued it, where it is not valid at that time (nil: now), or not for this usage.
    public func verify(
        against root: Certificate, for usage: Usage, at time: Timestamp? = nil
    ) throws(CertificateError) {
        try verify(against: root, usage, seconds: time.map { max(1, time_t($0.seconds)) } ?? 0)
    }

    /// Whether that root has issued it, whatever the time.
    public func isIssued(by root: Certificate) -> Bool {
        (try? verify(against: root, .client, seconds: -1)) != nil
    }

    private func verify(against root: Certificate, _ usage: Usage, seconds: time_t) throws(CertificateError) {
        let result = cossl_verify(pointer, root.pointer, usage.purpose, seconds)
        ERR_clear_error()
        if result != X509_V_OK { throw .untrusted(Self.reason(Int(result))) }
    }

    /// Whether this is the private half of its key.
    func isOf(_ key: PrivateKey) -> Bool {
        defer { ERR_clear_error() }
        return X509_check_private_key(pointer, key.pointer) == 1
    }

    static func reason(_ result: Int) -> String { String(cString: X509_verify_cert_error_string(result)) }

    /// Nil unless there is exactly one, which is an identifier.
    func name(_ nid: Int32) -> String? {
        guard let subject = X509_get_subject_name(pointer) else { return nil }
        let index = X509_NAME_get_index_by_NID(subject, nid, -1)
        guard index >= 0, X509_NAME_get_index_by_NID(subject, nid, index) < 0,
            let data = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index))
        else { return nil }
        let length = Int(ASN1_STRING_length(data))
        guard length <= PeerIdentity.identifierLimit, let bytes = ASN1_STRING_get0_data(data) else { return nil }
        let text = String(validating: UnsafeBufferPointer(start: bytes, count: length), as: UTF8.self)
        return text.flatMap { PeerIdentity.isIdentifier($0) ? $0 : nil }
    }

    private static func serial(of certificate: OpaquePointer) -> String {
        guard let number = X509_get0_serialNumber(certificate), let bytes = ASN1_STRING_get0_data(number) else {
            return ""
        }
        return Digest.hex(Array(UnsafeBufferPointer(start: bytes, count: Int(ASN1_STRING_length(number)))))
    }

    private static func time(_ time: UnsafePointer<ASN1_TIME>?) -> Timestamp? {
        var parts = tm()
        guard let time, ASN1_TIME_to_tm(time, &parts) == 1 else { return nil }
        return Timestamp(seconds: Int64(timegm(&parts)))
    }
}

extension Certificate: Hashable {
    public static func == (left: Certificate, right: Certificate) -> Bool { left.der == right.der }

    public func hash(into hasher: inout Hasher) { hasher.combine(der) }
}
