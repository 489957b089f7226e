internal import COpenSSL

/// Who a client of the API is, as its certificate says: name (CN) and what it may do (OU), each exactly once.
public struct ClientIdentity: Sendable, Hashable, CustomStringConvertible {
    /// As certificates spell it.
    public enum Role: String, Sendable, Hashable, Codable, CaseIterable {
        case admin
        case readOnly = "read-only"
    }

    public let name: String
    public let role: Role

    /// Nil for a name that is none: 1 to 64 printable ASCII characters without spaces.
    public init?(name: String, role: Role) {
        guard !name.isEmpty, PeerIdentity.isIdentifier(name) else { return nil }
        self.name = name
        self.role = role
    }

    public var description: String { "\(name) (\(role.rawValue))" }
}

extension Certificate {
    /// The organization (O) that it names; nil unless it is exactly one, which is an identifier.
    public var organization: String? { name(NID_organizationName) }

    /// The client that it speaks of; nil where it speaks of something else, such as a node.
    public var client: ClientIdentity? {
        guard let role = name(NID_organizationalUnitName).flatMap(ClientIdentity.Role.init(rawValue:)),
            let name = name(NID_commonName)
        else { return nil }
        return ClientIdentity(name: name, role: role)
    }
}

extension CertificateAuthority {
    /// How long a client's certificate is valid unless somebody says otherwise, and the bounds of that.
    public static let clientValidity = Duration.seconds(365 * 86_400)
    public static let clientValidityLimits = Duration.seconds(60)...Duration.seconds(5 * 365 * 86_400)

    /// A certificate for the key of the request, which says that it belongs to a client of the API. It is good for nothing else:
    /// no node takes it for another's.
    public func issue(
        _ request: CertificateRequest, to client: ClientIdentity, of clusterID: String, validity: Duration,
        now: Timestamp = WallClock.now()
    ) throws(CertificateError) -> Certificate {
        guard let publicKey = X509_REQ_get0_pubkey(request.pointer) else { throw .malformed("request's public key") }
        return try leaf(
            publicKey, [clusterID, client.role.rawValue, client.name], usage: "clientAuth", validity, now, [])
    }

    /// A certificate with which a manager's API proves to be where clients look for it.
    ///
    /// - Parameter places: IP addresses and host names; what is neither is left out.
    public func issueServer(
        for key: PrivateKey, name: String, of clusterID: String, places: [String], validity: Duration = nodeValidity,
        now: Timestamp = WallClock.now()
    ) throws(CertificateError) -> Certificate {
        let names = places.compactMap { place -> String? in
            if IPv4Address(place) != nil || IPv6Address(place) != nil { return "IP:" + place }
            return Self.isHostName(place) ? "DNS:" + place : nil
        }
        let extensions = names.isEmpty ? [] : [(NID_subject_alt_name, names.joined(separator: ","))]
        return try leaf(
            key.pointer, [clusterID, "api", name], usage: "serverAuth", validity, now, extensions)
    }

    private func leaf(
        _ publicKey: OpaquePointer, _ subject: [String], usage: String, _ validity: Duration, _ now: Timestamp,
        _ more: [(nid: Int32, value: String)]
    ) throws(CertificateError) -> Certificate {
        let name = zip([NID_organizationName, NID_organizationalUnitName, NID_commonName], subject).map { ($0, $1) }
        let extensions: [(nid: Int32, value: String)] = [
            (NID_basic_constraints, "critical,CA:FALSE"), (NID_key_usage, "critical,digitalSignature"),
            (NID_ext_key_usage, usage), (NID_subject_key_identifier, "hash"),
            (NID_authority_key_identifier, "keyid"),
        ]
        return try Self.build(
            subject: name, issuer: root, publicKey: publicKey, signedBy: key, from: now + (.zero - Self.skew),
            to: min(now + validity, root.notAfter), extensions + more)
    }

    /// Letters, digits, `-` and `.`: whatever else would be OpenSSL's own syntax.
    private static func isHostName(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return (1...253).contains(bytes.count)
            && bytes.allSatisfy { byte in
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 45
                    || byte == 46
            }
    }
}
