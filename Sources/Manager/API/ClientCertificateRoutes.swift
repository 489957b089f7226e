internal import HTTP
internal import Model
internal import Platform
internal import Store

/// `/swarm/client-certificate`, `/swarm/client-certificates`: the cluster's root lets clients of the API in, until they are sent away.
struct ClientCertificateRoutes: Sendable {
    let api: ClusterAPI

    private enum Limits {
        static let certificates = 10_000
        /// Of those that have ended, so many are forgotten with each that is issued or taken back.
        static let forgotten = 100
    }

    func register(in router: inout Router) {
        router.post("/swarm/client-certificate") { request in
            try .json(await issue(try await api.decode(ClientCertificateRequest.self, request)))
        }
        router.get("/swarm/client-certificates") { _ in
            let (snapshot, now) = (api.snapshot, api.now())
            let issuers = Self.issuers(snapshot)
            return try .json(
                snapshot.all(ClientCertificate.self).filter { !Self.isOver($0, now: now, issuers) })
        }
        router.post("/swarm/client-certificates/{reference}/revoke") { request in
            try .json(
                await revoke(try request.capture("reference"), alsoUnknown: request.query.flag("force")))
        }
    }

    private func issue(_ wish: ClientCertificateRequest) async throws -> ClientCertificateAnswer {
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
        let certificate: Certificate
        do throws(CertificateError) {
            certificate = try authority.issue(
                CertificateRequest(der: wish.request.bytes), to: client, of: cluster.id, validity: validity, now: now)
        } catch {
            throw HTTPError(.badRequest, "\(error)")
        }
        // Where a manager knows nothing of them yet, it is issued all the same: its serial number can be taken back later.
        if await api.operations.commandLevel() >= CommandLevel.clientCertificates {
            try await note(
                ClientCertificate(
                    id: certificate.serial, createdAt: now, name: wish.name, role: wish.role,
                    issuer: Digest.base36(authority.root.digest), expiresAt: certificate.notAfter))
        }
        return ClientCertificateAnswer(
            certificate: String(decoding: certificate.pem, as: UTF8.self),
            roots: try CertificatePolicy.roots(in: snapshot))
    }

    private func note(_ certificate: ClientCertificate) async throws {
        try await api.update { transaction in
            Self.forget(in: &transaction)
            guard transaction.snapshot.count(ClientCertificate.self) < Limits.certificates else {
                throw HTTPError(
                    .conflict,
                    "there are \(Limits.certificates) clients' certificates that have not ended: no more are issued")
            }
            try transaction.put(certificate)
        }
    }

    /// By serial number, by name (all that are for it), or by the beginning of a serial number.
    ///
    /// - Parameter alsoUnknown: also one that the cluster does not know to have issued, as former versions did.
    private func revoke(_ reference: String, alsoUnknown: Bool) async throws -> ClientCertificateRevocation {
        try await api.update { transaction in
            Self.forget(in: &transaction)
            var found = try Self.find(reference, in: transaction.snapshot)
            if found.isEmpty, alsoUnknown, let serial = ClientCertificate.serial(reference) {
                // It ends no later than the longest that could be issued now.
                found = [
                    ClientCertificate(
                        id: serial, createdAt: transaction.now, name: "", role: "", issuer: "",
                        expiresAt: transaction.now + CertificateAuthority.clientValidityLimits.upperBound)
                ]
            }
            guard !found.isEmpty else {
                throw HTTPError(
                    .notFound,
                    "the cluster knows no client's certificate \(reference.prefix(128)): 'clusterctl manager client-certificate ls' "
                        + "shows them; with --force a serial number is refused that it does not know")
            }
            for var certificate in found where certificate.revokedAt == nil {
                certificate.revokedAt = transaction.now
                try transaction.put(certificate)
            }
            return ClientCertificateRevocation(serials: found.map(\.id))
        }
    }

    private static func find(_ reference: String, in snapshot: Snapshot) throws -> [ClientCertificate] {
        let serial = ClientCertificate.serial(reference)
        if let exact = serial.flatMap({ snapshot.get(ClientCertificate.self, $0) }) { return [exact] }
        let named = snapshot.all(ClientCertificate.self).filter { $0.clientName == reference && !reference.isEmpty }
        if !named.isEmpty { return named }
        let prefix = reference.lowercased()
        guard prefix.utf8.count >= 4 else { return [] }
        let begun = snapshot.withIDPrefix(ClientCertificate.self, prefix, limit: 2)
        guard begun.count < 2 else {
            throw HTTPError(.badRequest, "\(reference) is the beginning of several serial numbers; give more of it")
        }
        return begun
    }

    /// Those that count for nothing in any case: their time is over, or their root.
    private static func forget(in transaction: inout Transaction) {
        let issuers = issuers(transaction.snapshot)
        let over = transaction.snapshot.all(ClientCertificate.self).filter {
            isOver($0, now: transaction.now, issuers)
        }
        for certificate in over.prefix(Limits.forgotten) { transaction.delete(ClientCertificate.self, certificate.id) }
    }

    private static func isOver(_ certificate: ClientCertificate, now: Timestamp, _ issuers: Set<String>) -> Bool {
        certificate.expiresAt < now || (!certificate.issuer.isEmpty && !issuers.contains(certificate.issuer))
    }

    /// The digests of the roots that are trusted.
    private static func issuers(_ snapshot: Snapshot) -> Set<String> {
        let roots = snapshot.all(ClusterSecrets.self).first.map { RootRotation.Wanted($0).roots } ?? []
        return Set(roots.compactMap { try? RootRotation.Wanted.digest($0) })
    }
}
