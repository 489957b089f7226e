public import HTTP
public import Model
public import Platform
public import Store

/// Who gets which certificate, as the replicated state says.
public enum CertificatePolicy {
    /// The role that a join token gives; compared in a time that says nothing of how much is right.
    ///
    /// - Throws: `HTTPError` 403 for a token that is not one of this cluster at this time.
    public static func role(of token: String, in snapshot: Snapshot) throws(HTTPError) -> NodeRole {
        guard let tokens = snapshot.all(ClusterSecrets.self).first?.joinTokens else { throw notYet }
        let given = [UInt8](token.utf8)
        let isWorker = Digest.constantTimeEqual(given, [UInt8](tokens.worker.utf8))
        let isManager = Digest.constantTimeEqual(given, [UInt8](tokens.manager.utf8))
        guard isWorker || isManager else {
            throw HTTPError(
                .forbidden,
                "the cluster does not know this token: it was rotated since, or is not copied whole; ask a manager with "
                    + "\"clusterctl manager token worker\"")
        }
        return isManager ? .manager : .worker
    }

    /// The cluster's authority.
    ///
    /// - Throws: `HTTPError` 503 before the cluster is made, 500 where the root cannot issue any more.
    public static func authority(in snapshot: Snapshot, now: Timestamp) throws(HTTPError) -> CertificateAuthority {
        guard let secrets = snapshot.all(ClusterSecrets.self).first else { throw notYet }
        let wanted = RootRotation.Wanted(secrets)
        do throws(CertificateError) {
            return try CertificateAuthority(
                root: Certificate(pem: [UInt8](wanted.issuer.utf8)),
                key: PrivateKey(pem: [UInt8](wanted.issuerKey.utf8)), now: now)
        } catch {
            throw HTTPError(
                .internalServerError,
                "the cluster's root certificate cannot issue others (\(error)): change it with \"clusterctl manager ca rotate\""
            )
        }
    }

    /// What is to be done where the cluster's root ends soon, for no certificate outlives it; nil while that is far away.
    public static func rootAdvice(in snapshot: Snapshot, now: Timestamp) -> String? {
        guard let secrets = snapshot.all(ClusterSecrets.self).first, secrets.rotation == nil,
            let root = try? Certificate(pem: [UInt8](secrets.rootCertificate.utf8)), root.notAfter < now + rootNotice
        else { return nil }
        return
            "the cluster's root certificate ends at \(root.notAfter), and every node's with it: change it before with "
            + "\"clusterctl manager ca rotate\""
    }

    /// So long before its end a root is to be changed.
    private static let rootNotice = Duration.seconds(14 * 86_400)

    /// All roots that nodes are to trust, PEM.
    ///
    /// - Throws: `HTTPError` 503 before the cluster is made.
    public static func roots(in snapshot: Snapshot) throws(HTTPError) -> String {
        guard let secrets = snapshot.all(ClusterSecrets.self).first else { throw notYet }
        return RootRotation.Wanted(secrets).roots.joined()
    }

    /// Whether nodes are to take another root besides the one that has issued their certificates, which may have no key that is
    /// good for anything any more.
    public static func isSpreadingTrust(_ snapshot: Snapshot) -> Bool {
        snapshot.all(ClusterSecrets.self).first?.rotation?.phase == .trusting
    }

    /// What the node is, as its next certificate is to say; nil for one that is not in the cluster.
    public static func identity(of nodeID: String, clusterID: String, in snapshot: Snapshot) -> PeerIdentity? {
        snapshot.get(Node.self, nodeID).map { node in
            PeerIdentity(
                nodeID: nodeID, role: node.currentRole == .manager ? .manager : .worker, clusterID: clusterID,
                incarnation: node.incarnation ?? 0)
        }
    }

    /// A certificate for the key of a request (PKCS#10, DER).
    ///
    /// - Throws: `HTTPError` 400 for a request that is none.
    public static func issue(
        _ request: [UInt8], to node: PeerIdentity, by authority: CertificateAuthority, in snapshot: Snapshot,
        now: Timestamp
    ) throws(HTTPError) -> Certificate {
        do throws(CertificateError) {
            return try authority.issue(
                CertificateRequest(der: request), to: node, validity: validity(in: snapshot), now: now)
        } catch {
            throw HTTPError(.badRequest, "no certificate is issued for this request: \(error)")
        }
    }

    /// How long a certificate of a node is valid.
    public static func validity(in snapshot: Snapshot) -> Duration {
        snapshot.all(Cluster.self).first?.spec.caConfig?.nodeCertificateExpiry.map { .nanoseconds($0) }
            ?? CertificateAuthority.nodeValidity
    }

    /// With what is left out filled in.
    ///
    /// - Throws: `HTTPError` 400 for a validity that none may have.
    public static func checked(_ config: ClusterSpec.CAConfig?) throws(HTTPError) -> ClusterSpec.CAConfig {
        let wanted = config?.nodeCertificateExpiry ?? 0
        guard wanted != 0 else {
            return .init(
                nodeCertificateExpiry: CertificateAuthority.nodeValidity.inNanoseconds, forceRotate: config?.forceRotate
            )
        }
        let limits = CertificateAuthority.nodeValidityLimits
        guard (limits.lowerBound.inNanoseconds...limits.upperBound.inNanoseconds).contains(wanted) else {
            throw HTTPError(.badRequest, "a node's certificate may be valid for one minute to 365 days")
        }
        return .init(nodeCertificateExpiry: wanted, forceRotate: config?.forceRotate)
    }

    /// Notes what a node has said that it uses.
    static func note(_ certificate: NodeCertificate, of nodeID: String, in transaction: inout Transaction) throws {
        guard var node = transaction.get(Node.self, nodeID) else { return }
        node.certificate = certificate
        try transaction.put(node)
    }

    /// The root that a request brings, or a new one.
    ///
    /// - Throws: `HTTPError` 400 for a root that cannot be one.
    public static func authority(
        asked config: ClusterSpec.CAConfig?, clusterID: String
    ) throws(HTTPError) -> CertificateAuthority {
        let (root, key) = (config?.signingCertificate ?? "", config?.signingKey ?? "")
        if root.isEmpty, key.isEmpty { return .make(clusterID: clusterID) }
        guard !root.isEmpty, !key.isEmpty else {
            throw HTTPError(.badRequest, "a root of one's own is a certificate and its key: give both")
        }
        do throws(CertificateError) {
            return try CertificateAuthority(
                root: Certificate(pem: [UInt8](root.utf8)), key: PrivateKey(pem: [UInt8](key.utf8)))
        } catch {
            throw HTTPError(.badRequest, "the root that is given: \(error)")
        }
    }

    /// Takes a node out of the state; its certificates count for nothing from now on.
    static func remove(_ nodeID: String, in transaction: inout Transaction) throws {
        let now = transaction.now
        for old in transaction.snapshot.all(RemovedNode.self) where old.forgottenAfter < now {
            transaction.delete(RemovedNode.self, old.id)
        }
        transaction.delete(Node.self, nodeID)
        try transaction.put(
            RemovedNode(
                id: nodeID, createdAt: now,
                forgottenAfter: now + CertificateAuthority.nodeValidityLimits.upperBound + CertificateAuthority.skew))
    }

    private static let notYet = HTTPError(
        .serviceUnavailable, "the cluster is still being made; try again in a moment")
}
