internal import HTTP
internal import Model
internal import Platform
internal import Store

/// The change from one root to the next, with nobody left behind: first every node trusts both, then every node gets a
/// certificate of the next, then the old one counts for nothing and every node forgets it.
///
/// A step is over when each node of the cluster has said that it has taken it; one that is down holds it up until it comes back
/// or is removed.
enum RootRotation {
    /// What nodes are to use at this time.
    struct Wanted: Equatable {
        /// Who issues, PEM.
        var issuer: String
        var issuerKey: String
        /// All that are trusted, PEM.
        var roots: [String]

        init(_ secrets: ClusterSecrets) {
            (issuer, issuerKey, roots) = (secrets.rootCertificate, secrets.rootKey, [secrets.rootCertificate])
            guard let rotation = secrets.rotation else { return }
            roots.append(rotation.certificate)
            if rotation.phase == .issuing { (issuer, issuerKey) = (rotation.certificate, rotation.key) }
        }

        /// The same as nodes say it.
        func record() throws(CertificateError) -> NodeCertificate {
            var trusted: [String] = []
            for root in roots { trusted.append(try Self.digest(root)) }
            return NodeCertificate(issuer: try Self.digest(issuer), trusted: trusted)
        }

        /// Of a root, as nodes and tokens say it.
        static func digest(_ pem: String) throws(CertificateError) -> String {
            Digest.base36(try Certificate(pem: [UInt8](pem.utf8)).digest)
        }
    }

    /// The nodes that do not use what is wanted, sorted.
    static func waiting(_ snapshot: Snapshot, for wanted: NodeCertificate) -> [Node] {
        snapshot.all(Node.self).filter { !($0.certificate.map { $0.matches(wanted) } ?? false) }
    }

    /// Begins a change to `next`.
    ///
    /// - Throws: `HTTPError` 400 while one is under way, and for the root that is in force.
    static func begin(_ next: CertificateAuthority, in transaction: inout Transaction) throws {
        guard var cluster = transaction.snapshot.all(Cluster.self).first,
            var secrets = transaction.snapshot.all(ClusterSecrets.self).first
        else { throw HTTPError(.serviceUnavailable, "the cluster is still being made; try again in a moment") }
        guard secrets.rotation == nil else {
            throw HTTPError(
                .badRequest, "the root is being changed already: \"clusterctl manager ca rotate\" shows how far it is")
        }
        let pem = String(decoding: next.root.pem, as: UTF8.self)
        guard pem != secrets.rootCertificate else {
            throw HTTPError(.badRequest, "that is the root that the cluster has")
        }
        secrets.rotation = .init(
            phase: .trusting, certificate: pem, key: String(decoding: next.key.pem, as: UTF8.self))
        cluster.rootRotationInProgress = true
        try transaction.put(secrets)
        try transaction.put(cluster)
    }

    /// Goes to the next step where every node has taken the one before; true where it did.
    static func advance(_ transaction: inout Transaction) throws -> Bool {
        guard var cluster = transaction.snapshot.all(Cluster.self).first,
            var secrets = transaction.snapshot.all(ClusterSecrets.self).first, var rotation = secrets.rotation,
            try waiting(transaction.snapshot, for: Wanted(secrets).record()).isEmpty
        else { return false }
        switch rotation.phase {
        case .trusting:
            rotation.phase = .issuing
            secrets.rotation = rotation
            // The tokens name the root that issues; who knew the old secrets is to know the new ones only by asking.
            let digest = try Wanted.digest(rotation.certificate)
            secrets.joinTokens = JoinTokens(
                worker: JoinToken(clusterDigest: digest, secret: Identifier.random()).description,
                manager: JoinToken(clusterDigest: digest, secret: Identifier.random()).description)
        case .issuing, .forgetting:
            secrets.rootCertificate = rotation.certificate
            secrets.rootKey = rotation.key
            secrets.rotation = nil
            cluster.rootRotationInProgress = false
        }
        try transaction.put(secrets)
        try transaction.put(cluster)
        return true
    }
}

extension NodeCertificate {
    /// Whatever the order of what is trusted.
    func matches(_ wanted: NodeCertificate) -> Bool {
        issuer == wanted.issuer && (trusted == wanted.trusted || Set(trusted) == Set(wanted.trusted))
    }
}
