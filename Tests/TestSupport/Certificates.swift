public import Platform

/// Certificates for tests.
public enum TestCertificates {
    /// A moment from which tests count; certificates are checked against the real clock, so it is now.
    public static let now = WallClock.now()

    /// What a node of the cluster `c1` proves itself with.
    public static func credentials(
        of authority: CertificateAuthority, _ nodeID: String, _ role: PeerIdentity.Role = .worker,
        cluster: String = "c1", validity: Duration = CertificateAuthority.nodeValidity, now: Timestamp = now,
        roots: [Certificate]? = nil
    ) throws -> NodeCredentials {
        let key = PrivateKey.generate()
        let certificate = try authority.issue(
            CertificateRequest(signedBy: key),
            to: PeerIdentity(nodeID: nodeID, role: role, clusterID: cluster), validity: validity, now: now)
        return try NodeCredentials(key: key, certificate: certificate, roots: roots ?? [authority.root])
    }
}
