internal import HTTP
internal import Model
internal import Platform
internal import Store

/// `/swarm/client-certificate`: the cluster's root lets clients of the API in.
struct ClientCertificateRoutes: Sendable {
    let api: ClusterAPI

    func register(in router: inout Router) {
        router.post("/swarm/client-certificate") { request in
            try .json(issue(try await api.decode(ClientCertificateRequest.self, request)))
        }
    }

    private func issue(_ wish: ClientCertificateRequest) throws -> ClientCertificateAnswer {
        guard let role = ClientIdentity.Role(rawValue: wish.role) else {
            throw HTTPError(.badRequest, "invalid role '\(wish.role.prefix(64))': admin or read-only is wanted")
        }
        guard let client = ClientIdentity(name: wish.name, role: role) else {
            throw HTTPError(.badRequest, "invalid name: 1 to 64 printable ASCII characters without spaces are wanted")
        }
        let validity = wish.validity.map { Duration.nanoseconds($0) } ?? CertificateAuthority.clientValidity
        guard CertificateAuthority.clientValidityLimits.contains(validity) else {
            throw HTTPError(.badRequest, "a client's certificate is valid for one minute to five years")
        }
        let snapshot = api.snapshot
        let now = api.now()
        guard let cluster = snapshot.all(Cluster.self).first else {
            throw HTTPError(.serviceUnavailable, "the cluster is still being made; try again in a moment")
        }
        let authority = try CertificatePolicy.authority(in: snapshot, now: now)
        do {
            let certificate = try authority.issue(
                CertificateRequest(der: wish.request.bytes), to: client, of: cluster.id, validity: validity, now: now)
            return ClientCertificateAnswer(
                certificate: String(decoding: certificate.pem, as: UTF8.self),
                roots: try CertificatePolicy.roots(in: snapshot))
        } catch let error as CertificateError {
            throw HTTPError(.badRequest, "\(error)")
        }
    }
}
