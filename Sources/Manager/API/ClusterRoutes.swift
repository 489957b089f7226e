internal import HTTP
internal import Model
internal import Platform
internal import Store

/// Engine API `/swarm`: the cluster's own object and its join tokens.
struct ClusterRoutes: Sendable {
    let api: ClusterAPI

    func register(in router: inout Router) {
        router.get("/swarm") { _ in
            var (cluster, secrets) = try Self.objects(api.snapshot)
            cluster.spec.raft = api.operations.consensus
            return try .json(
                ClusterDetail(
                    cluster: cluster, tokens: secrets.joinTokens,
                    trustRoots: RootRotation.Wanted(secrets).roots.joined(),
                    progress: try RotationProgress(secrets, api.snapshot)))
        }
        router.post("/swarm/update") { request in
            try await update(request)
            return HTTPResponse(.ok)
        }
        router.post("/swarm/transfer") { request in
            try await transfer(to: request.query["node"])
            return HTTPResponse(.accepted)
        }
        router.get("/swarm/unlockkey") { _ in
            try .json(SwarmUnlockKey(unlockKey: try Self.objects(api.snapshot).1.unlockKey ?? ""))
        }
    }

    private static func objects(_ snapshot: Snapshot) throws -> (Cluster, ClusterSecrets) {
        guard let cluster = snapshot.all(Cluster.self).first, let secrets = snapshot.all(ClusterSecrets.self).first
        else {
            throw HTTPError(.serviceUnavailable, "the cluster is still being made; try again in a moment")
        }
        return (cluster, secrets)
    }

    /// Has another manager lead. Answered once it is begun: the answer would not get past the end of this one's lead.
    private func transfer(to reference: String?) async throws {
        let target = try reference.map { try api.snapshot.findNode($0) }
        let voters = await api.operations.members().filter { $0.isVoter }
        if let target {
            guard let member = voters.first(where: { $0.nodeID == target.id }) else {
                throw HTTPError(.badRequest, "node \(target.id) is no manager: only a manager can lead")
            }
            guard !member.isLeader else { throw HTTPError(.badRequest, "node \(target.id) leads already") }
            guard member.isReachable else {
                throw HTTPError(.badRequest, "node \(target.id) was not heard of lately: it cannot lead now")
            }
        } else if !voters.contains(where: { $0.isReachable && !$0.isLeader }) {
            throw HTTPError(.badRequest, "no other manager is there to lead")
        }
        let operations = api.operations
        // Nothing waits for it: whoever asked looks who leads.
        Task {
            do {
                try await operations.transferLeadership(to: target?.id)
            } catch {
                Logger("roles").warning("this manager leads on", ["error": "\(error)"])
            }
        }
    }

    private func update(_ request: HTTPRequest) async throws {
        let seen = try api.seenVersion(request)
        let query = request.query
        let spec = try await api.decode(ClusterSpec.self, request)
        try spec.raft?.check(against: api.operations.consensus)
        let rotatesKey = query.flag("rotateManagerUnlockKey")
        if spec.encryptionConfig?.autoLockManagers == true || rotatesKey { try await checkLevel() }
        try await api.update { transaction in
            var (cluster, secrets) = try Self.objects(transaction.snapshot)
            try api.check(cluster, isAt: seen)
            if let period = spec.dispatcher?.heartbeatPeriod, period != 0, period < 100_000_000 {
                throw ServiceValidation.invalid("heartbeat period must be at least 100 ms")
            }
            let asked = spec.caConfig
            let certificates = asked ?? cluster.spec.caConfig
            let isRotating = (asked?.forceRotate ?? 0) > (cluster.spec.caConfig?.forceRotate ?? 0)
            if !isRotating, asked?.signingCertificate ?? "" != "" || asked?.signingKey ?? "" != "" {
                throw HTTPError(.badRequest, "another root takes the place of the present one by rotation: ForceRotate")
            }
            let encryption = spec.encryptionConfig ?? cluster.spec.encryptionConfig
            cluster.spec = spec
            cluster.spec.raft = nil
            cluster.spec.caConfig = try CertificatePolicy.checked(certificates)
            cluster.spec.encryptionConfig = encryption
            try transaction.put(cluster)
            try Autolock.apply(cluster.spec, isRotating: rotatesKey, to: &secrets)
            if query.flag("rotateWorkerToken") {
                secrets.joinTokens.worker = try Self.rotated(secrets.joinTokens.worker)
            }
            if query.flag("rotateManagerToken") {
                secrets.joinTokens.manager = try Self.rotated(secrets.joinTokens.manager)
            }
            try transaction.put(secrets)
            if isRotating {
                try RootRotation.begin(
                    try CertificatePolicy.authority(asked: asked, clusterID: cluster.id), in: &transaction)
            }
        }
    }

    /// Every manager must know what it is told.
    private func checkLevel() async throws {
        guard await api.operations.commandLevel() >= CommandLevel.autolock else {
            throw HTTPError(
                .serviceUnavailable, "not all managers know how to lock themselves yet: upgrade them first")
        }
    }

    private static func rotated(_ text: String) throws -> String {
        guard var token = JoinToken(text) else { throw HTTPError(.internalServerError, "the join token is damaged") }
        token.secret = Identifier.random()
        return token.description
    }
}

/// The cluster as `/swarm` shows it.
private struct ClusterDetail: Encodable {
    let cluster: Cluster
    let tokens: JoinTokens
    let trustRoots: String
    let progress: RotationProgress?

    private enum Key: String, CodingKey {
        case joinTokens = "JoinTokens"
        case rotation = "RootRotation"
        case tlsInfo = "TLSInfo"
    }

    func encode(to encoder: any Encoder) throws {
        try cluster.encode(to: encoder)
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(tokens, forKey: .joinTokens)
        try container.encode(["TrustRoot": trustRoots], forKey: .tlsInfo)
        try container.encodeIfPresent(progress, forKey: .rotation)
    }
}

/// How far a change of the root is. Docker has no word for it.
private struct RotationProgress: Encodable {
    let phase: ClusterSecrets.RootRotation.Phase
    /// The ids of the nodes that have not taken this step.
    let waiting: [String]

    private enum CodingKeys: String, CodingKey {
        case phase = "Phase"
        case waiting = "Waiting"
    }

    /// Nil where every node uses the root in force alone.
    init?(_ secrets: ClusterSecrets, _ snapshot: Snapshot) throws {
        waiting = RootRotation.waiting(snapshot, for: try RootRotation.Wanted(secrets).record()).map(\.id)
        if secrets.rotation == nil, waiting.isEmpty { return nil }
        phase = secrets.rotation?.phase ?? .forgetting
    }
}
