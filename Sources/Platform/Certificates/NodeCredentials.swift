/// What a node proves itself with and whom it trusts: its key, its certificate, and the cluster's root.
public struct NodeCredentials: Sendable {
    public let key: PrivateKey
    public let certificate: Certificate
    public let root: Certificate
    /// Who the certificate says that this node is.
    public let node: PeerIdentity

    /// Throws where the certificate is not of the key, not of the root, or of no node. Whether it is valid at this time is
    /// for the other end to say: one that has expired is of use for telling so.
    public init(key: PrivateKey, certificate: Certificate, root: Certificate) throws(CertificateError) {
        guard certificate.isOf(key) else { throw .untrusted("the key is not that of the certificate") }
        try certificate.verifyIssuer(root, for: .client)
        guard let node = certificate.node else { throw .malformed("subject of a node's certificate") }
        self.key = key
        self.certificate = certificate
        self.root = root
        self.node = node
    }

    /// One PEM text: private key, certificate, root. `openssl x509` shows the certificate of it.
    public var pem: [UInt8] { key.pem + certificate.pem + root.pem }

    /// Reads what `pem` has written.
    public init(pem: [UInt8]) throws(CertificateError) {
        let certificates = try Certificate.all(pem: pem)
        guard certificates.count == 2 else { throw .malformed("node credentials: a certificate and a root are wanted") }
        try self.init(key: PrivateKey(pem: pem), certificate: certificates[0], root: certificates[1])
    }
}
