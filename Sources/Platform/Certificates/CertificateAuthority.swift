internal import COpenSSL
internal import Glibc

/// A root and its key: what makes nodes' certificates.
public struct CertificateAuthority: Sendable {
    /// How long a root of our own is valid.
    public static let rootValidity = Duration.seconds(20 * 365 * 86_400)
    /// How long a node's certificate is valid unless somebody says otherwise.
    public static let nodeValidity = Duration.seconds(90 * 86_400)
    /// The shortest and the longest validity of a node's certificate.
    public static let nodeValidityLimits = Duration.seconds(60)...Duration.seconds(365 * 86_400)
    /// So much earlier than it is made a certificate is valid: clocks differ, and one that is wrong by a day is to lock nobody out.
    /// It costs nothing: the key is new, and when the certificate ends does not change.
    public static let skew = Duration.seconds(25 * 3600)

    public let root: Certificate
    public let key: PrivateKey

    /// An operator's own root: signed by itself, allowed to issue, valid now, and of the key.
    public init(root: Certificate, key: PrivateKey, now: Timestamp = WallClock.now()) throws(CertificateError) {
        defer { ERR_clear_error() }
        guard X509_check_private_key(root.pointer, key.pointer) == 1 else {
            throw .notARoot("the key is not that of the certificate")
        }
        guard PrivateKey.strength(of: key.pointer) != nil else { throw .weakKey("the root's key") }
        guard X509_check_ca(root.pointer) == 1, X509_get_key_usage(root.pointer) & UInt32(KU_KEY_CERT_SIGN) != 0 else {
            throw .notARoot("it says that it may not issue others (basicConstraints CA:TRUE, keyUsage keyCertSign)")
        }
        guard X509_check_issued(root.pointer, root.pointer) == X509_V_OK, X509_verify(root.pointer, key.pointer) == 1
        else { throw .notARoot("another one has issued it; only one that has issued itself can be pinned") }
        guard root.notBefore <= now, now < root.notAfter else {
            throw .notARoot("it is valid from \(root.notBefore) to \(root.notAfter) only")
        }
        self.root = root
        self.key = key
    }

    /// A new root of P-256 for a cluster.
    public static func make(
        clusterID: String, now: Timestamp = WallClock.now(), validity: Duration = rootValidity
    ) -> CertificateAuthority {
        let key = PrivateKey.generate()
        let name = [(NID_organizationName, clusterID), (NID_commonName, "martlet-ca")]
        let extensions = [
            (NID_basic_constraints, "critical,CA:TRUE,pathlen:0"), (NID_key_usage, "critical,keyCertSign,cRLSign"),
            (NID_subject_key_identifier, "hash"),
        ]
        do {
            let root = try build(
                subject: name, issuer: nil, publicKey: key.pointer, signedBy: key, from: now + (.zero - skew),
                to: now + validity, extensions)
            return try CertificateAuthority(root: root, key: key, now: now)
        } catch {
            preconditionFailure("a root that was just made: \(error)")
        }
    }

    /// A certificate for the key of the request, which says that it belongs to `node`; it ends with the root at the latest.
    public func issue(
        _ request: CertificateRequest, to node: PeerIdentity, validity: Duration = nodeValidity,
        now: Timestamp = WallClock.now()
    ) throws(CertificateError) -> Certificate {
        precondition(node.role != .stranger && !node.nodeID.isEmpty, "a certificate for \(node)")
        guard let publicKey = X509_REQ_get0_pubkey(request.pointer) else { throw .malformed("request's public key") }
        var name = [
            (NID_organizationName, node.clusterID), (NID_organizationalUnitName, node.role.word),
            (NID_commonName, node.nodeID),
        ]
        if node.incarnation > 0 { name.append((NID_serialNumber, "\(node.incarnation)")) }
        let extensions = [
            (NID_basic_constraints, "critical,CA:FALSE"), (NID_key_usage, "critical,digitalSignature"),
            (NID_ext_key_usage, "serverAuth,clientAuth"), (NID_subject_key_identifier, "hash"),
            (NID_authority_key_identifier, "keyid"),
        ]
        return try Self.build(
            subject: name, issuer: root, publicKey: publicKey, signedBy: key, from: now + (.zero - Self.skew),
            to: min(now + validity, root.notAfter), extensions)
    }

    /// `issuer` is nil where it issues itself.
    static func build(
        subject: [(nid: Int32, text: String)], issuer: Certificate?, publicKey: OpaquePointer, signedBy key: PrivateKey,
        from notBefore: Timestamp, to notAfter: Timestamp, _ extensions: [(nid: Int32, value: String)]
    ) throws(CertificateError) -> Certificate {
        guard let pointer = X509_new() else { preconditionFailure("no memory for a certificate") }
        let certificate = Unfinished(pointer)
        defer { ERR_clear_error() }
        var isGood =
            X509_set_version(pointer, 2) == 1 && setSerial(of: pointer) && X509_set_pubkey(pointer, publicKey) == 1
            && ASN1_TIME_set(X509_getm_notBefore(pointer), time_t(notBefore.seconds)) != nil
            && ASN1_TIME_set(X509_getm_notAfter(pointer), time_t(notAfter.seconds)) != nil
        for (nid, text) in subject where isGood {
            let bytes = [UInt8](text.utf8)
            isGood =
                X509_NAME_add_entry_by_NID(
                    X509_get_subject_name(pointer), nid, MBSTRING_UTF8, bytes, Int32(clamping: bytes.count), -1, 0) == 1
        }
        let issuerPointer = issuer?.pointer ?? pointer
        isGood = isGood && X509_set_issuer_name(pointer, X509_get_subject_name(issuerPointer)) == 1
        for (nid, value) in extensions where isGood {
            isGood = cossl_add_extension(pointer, issuerPointer, nid, value) == 1
        }
        guard isGood, X509_sign(pointer, key.pointer, EVP_sha256()) > 0 else {
            throw .malformed("subject or key of a new certificate")
        }
        return try Certificate(owning: certificate.finish())
    }

    /// 127 random bits, never 0 (RFC 5280, 4.1.2.2).
    private static func setSerial(of certificate: OpaquePointer) -> Bool {
        var bytes = randomBytes(16)
        bytes[0] = bytes[0] & 0x7f | 0x40
        guard let number = BN_bin2bn(bytes, Int32(bytes.count), nil) else { return false }
        defer { BN_free(number) }
        return BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nil
    }

    /// A certificate that is freed where its making fails.
    private struct Unfinished: ~Copyable {
        private let pointer: OpaquePointer

        init(_ pointer: OpaquePointer) { self.pointer = pointer }

        deinit { X509_free(pointer) }

        consuming func finish() -> OpaquePointer {
            let pointer = pointer
            discard self
            return pointer
        }
    }
}

extension PeerIdentity.Role {
    /// As certificates spell it.
    public var word: String {
        switch self {
        case .manager: "manager"
        case .worker: "worker"
        case .stranger: "stranger"
        }
    }

    init?(word: String) {
        switch word {
        case "manager": self = .manager
        case "worker": self = .worker
        default: return nil
        }
    }
}
