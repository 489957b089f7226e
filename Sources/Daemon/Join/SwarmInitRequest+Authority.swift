import HTTP
import Manager
import Model
import Platform

extension SwarmInitRequest {
    /// Who vouches for the nodes of the cluster that is asked for: the operator's own root, or a new one.
    ///
    /// - Throws: `HTTPError` 400 for a root that cannot be one.
    func authority(for clusterID: String) throws -> CertificateAuthority {
        try CertificatePolicy.authority(asked: spec?.caConfig, clusterID: clusterID)
    }

    /// How long certificates of nodes are to be valid.
    ///
    /// - Throws: `HTTPError` 400 for what none may be.
    func certificateValidity() throws -> Duration {
        let config = try CertificatePolicy.checked(spec?.caConfig)
        return config.nodeCertificateExpiry.map { .nanoseconds($0) } ?? CertificateAuthority.nodeValidity
    }
}
