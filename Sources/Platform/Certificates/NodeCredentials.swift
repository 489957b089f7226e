/// What a node proves itself with and whom it trusts: its key, its certificate, and the cluster's roots.
public struct NodeCredentials: Sendable {
    /// Most roots at a time; more than one while the cluster changes from one to the next.
    public static let rootLimit = 4

    public let key: PrivateKey
    public let certificate: Certificate
    /// All that are trusted.
    public let roots: [Certificate]
    /// The one of them that issued the certificate.
    public let issuer: Certificate
    /// Who the certificate says that this node is.
    public let node: PeerIdentity

    /// Throws where the certificate is not of the key, not of one of the roots, or of no node. Whether it is valid at this time
    /// is for the other end to say: one that has expired is of use for telling so.
    public init(key: PrivateKey, certificate: Certificate, roots: [Certificate]) throws(CertificateError) {
        guard certificate.isOf(key) else { throw .untrusted("the key is not that of the certificate") }
        guard (1...Self.rootLimit).contains(roots.count) else { throw .malformed("\(roots.count) roots") }
        guard let issuer = roots.first(where: { certificate.isIssued(by: $0) }) else {
            throw .untrusted("no root that is trusted has issued it")
        }
        guard let node = certificate.node else { throw .malformed("subject of a node's certificate") }
        self.key = key
        self.certificate = certificate
        self.roots = roots
        self.issuer = issuer
        self.node = node
    }

    /// One PEM text: private key, certificate, roots. `openssl x509` shows the certificate of it.
    public var pem: [UInt8] { key.pem + certificate.pem + rootsPEM }

    /// The roots alone.
    public var rootsPEM: [UInt8] { roots.flatMap(\.pem) }

    /// Reads what `pem` has written.
    public init(pem: [UInt8]) throws(CertificateError) {
        let certificates = try Certificate.all(pem: pem)
        guard let first = certificates.first else { throw .malformed("node credentials: there is no certificate") }
        try self.init(key: PrivateKey(pem: pem), certificate: first, roots: Array(certificates.dropFirst()))
    }
}
