import HTTP
import Manager
import Model
import Platform

extension SwarmInitRequest {
    /// Who vouches for the nodes of the cluster that is asked for: the operator's own root, or a new one.
    ///
    /// - Throws: `HTTPError` 400 for a root that cannot be one.
    func authority(for clusterID: String) throws -> CertificateAuthority {
        let (root, key) = (spec?.caConfig?.signingCertificate ?? "", spec?.caConfig?.signingKey ?? "")
        if root.isEmpty, key.isEmpty { return .make(clusterID: clusterID) }
        guard !root.isEmpty, !key.isEmpty else {
            throw HTTPError(.badRequest, "a root of one's own is a certificate and its key: give both")
        }
        do {
            return try CertificateAuthority(
                root: Certificate(pem: [UInt8](root.utf8)), key: PrivateKey(pem: [UInt8](key.utf8)))
        } catch {
            throw HTTPError(.badRequest, "the cluster's own root: \(error)")
        }
    }

    /// How long certificates of nodes are to be valid.
    ///
    /// - Throws: `HTTPError` 400 for what none may be.
    func certificateValidity() throws -> Duration {
        let config = try CertificatePolicy.checked(spec?.caConfig)
        return config.nodeCertificateExpiry.map { .nanoseconds($0) } ?? CertificateAuthority.nodeValidity
    }
}
