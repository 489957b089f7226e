public import Platform

/// A certificate with which a client may use the API over TCP, as the cluster has issued it: not the certificate itself.
public struct ClientCertificate: ClusterObject {
    public static let table = "client-certificate"

    /// Its serial number, hexadecimal in lower case.
    public var id: String
    public var version = ObjectVersion()
    public var createdAt: Timestamp
    public var updatedAt: Timestamp
    /// Who it is for; empty where it was taken back without the cluster knowing it.
    public var clientName: String
    /// `admin` or `read-only`.
    public var role: String
    /// The digest of the root that has issued it, as join tokens have it.
    public var issuer: String
    /// When it counts for nothing in any case.
    public var expiresAt: Timestamp
    /// Since when it counts for nothing; nil while it does.
    public var revokedAt: Timestamp?

    /// Several may be for one client.
    public var name: String? { nil }

    public init(
        id: String, createdAt: Timestamp, name: String, role: String, issuer: String, expiresAt: Timestamp,
        revokedAt: Timestamp? = nil
    ) {
        self.id = id
        self.createdAt = createdAt
        self.updatedAt = createdAt
        self.clientName = name
        self.role = role
        self.issuer = issuer
        self.expiresAt = expiresAt
        self.revokedAt = revokedAt
    }

    enum CodingKeys: String, CodingKey {
        case id = "Serial"
        case version = "Version"
        case createdAt = "CreatedAt"
        case updatedAt = "UpdatedAt"
        case clientName = "Name"
        case role = "Role"
        case issuer = "Issuer"
        case expiresAt = "ExpiresAt"
        case revokedAt = "RevokedAt"
    }

    /// A serial number as users have it from other programs (`0x`, colons, capitals); nil for what is none (RFC 5280, 4.1.2.2: at
    /// most 20 bytes).
    public static func serial(_ text: String) -> String? {
        guard text.utf8.count <= 128 else { return nil }
        let lower = text.lowercased()
        let digits = (lower.hasPrefix("0x") ? lower.dropFirst(2) : lower[...]).filter { $0 != ":" }
        guard digits.count.isMultiple(of: 2), (2...42).contains(digits.count),
            digits.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
        else { return nil }
        return String(digits)
    }
}

/// The answer to a revocation (`POST /swarm/client-certificates/{reference}/revoke`).
public struct ClientCertificateRevocation: Codable, Sendable, Equatable {
    /// Those that count for nothing now.
    public var serials: [String]

    public init(serials: [String]) { self.serials = serials }

    enum CodingKeys: String, CodingKey { case serials = "Serials" }
}
