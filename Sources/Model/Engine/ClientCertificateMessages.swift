/// Asks for a certificate with which a client may use the API over TCP (`POST /swarm/client-certificate`; Docker has no word for it).
public struct ClientCertificateRequest: Codable, Sendable, Equatable {
    /// Who it is for, as the audit log will say.
    public var name: String
    /// `admin` or `read-only`.
    public var role: String
    /// PKCS#10, DER: the key stays with the client.
    public var request: Base64Bytes
    /// Nanoseconds; nil for the default, a year.
    public var validity: Int64?

    public init(name: String, role: String, request: Base64Bytes, validity: Int64? = nil) {
        self.name = name
        self.role = role
        self.request = request
        self.validity = validity
    }

    enum CodingKeys: String, CodingKey {
        case name = "Name"
        case role = "Role"
        case request = "Request"
        case validity = "Validity"
    }
}

/// The answer to it, PEM.
public struct ClientCertificateAnswer: Codable, Sendable, Equatable {
    public var certificate: String
    /// The roots that managers' certificates come from.
    public var roots: String

    public init(certificate: String, roots: String) {
        self.certificate = certificate
        self.roots = roots
    }

    enum CodingKeys: String, CodingKey {
        case certificate = "Certificate"
        case roots = "Roots"
    }
}
