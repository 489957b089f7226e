internal import HTTP
internal import Model
internal import Platform
internal import Store

/// Makes the cluster's first objects, and takes nodes in.
struct Admission: Sendable {
    let store: Store
    let proposer: any Proposer
    let clock: ControlClock

    enum Limits {
        static let nodes = 10_000
    }

    /// What a new cluster begins with: itself, its secrets, the ingress network and its first manager.
    func found(
        _ request: SwarmInitRequest, clusterID: String, authority: CertificateAuthority, dataPathPort: UInt16,
        first: Joiner
    ) async throws {
        let pools = try Self.pools(request)
        let digest = Digest.base36(authority.root.digest)
        let tokens = JoinTokens(
            worker: JoinToken(clusterDigest: digest, secret: Identifier.random()).description,
            manager: JoinToken(clusterDigest: digest, secret: Identifier.random()).description)
        var spec = request.spec ?? ClusterSpec()
        spec.name = spec.name ?? "default"
        spec.raft = nil
        // `docker swarm init` sends the objects, and leaves out what its user did not set.
        if spec.orchestration?.taskHistoryRetentionLimit == nil {
            spec.orchestration = .init(taskHistoryRetentionLimit: Defaults.taskHistory)
        }
        if (spec.dispatcher?.heartbeatPeriod ?? 0) == 0 {
            spec.dispatcher = .init(heartbeatPeriod: DispatchLimits.heartbeatPeriod.inNanoseconds)
        }
        // What signs is in the secrets, and shown to nobody.
        spec.caConfig = try CertificatePolicy.checked(
            .init(nodeCertificateExpiry: spec.caConfig?.nodeCertificateExpiry))
        if request.autoLockManagers == true { spec.encryptionConfig = .init(autoLockManagers: true) }
        let clusterSpec = spec
        try await store.update(through: proposer, at: clock.wall()) { transaction in
            let now = transaction.now
            try transaction.put(
                Cluster(
                    id: clusterID, createdAt: now, spec: clusterSpec, dataPathPort: UInt32(dataPathPort),
                    defaultAddressPool: pools, subnetSize: request.subnetSize.flatMap { $0 == 0 ? nil : $0 } ?? 24))
            var secrets = ClusterSecrets(
                id: clusterID, createdAt: now, joinTokens: tokens,
                rootCertificate: String(decoding: authority.root.pem, as: UTF8.self),
                rootKey: String(decoding: authority.key.pem, as: UTF8.self))
            try Autolock.apply(clusterSpec, isRotating: false, to: &secrets)
            try transaction.put(secrets)
            try transaction.put(
                Network(
                    id: Identifier.random(), createdAt: now, name: Network.ingressName,
                    ipam: IPAMConfiguration(config: [.init(subnet: "10.255.0.0/16", gateway: "10.255.0.1")]),
                    ingress: true))
            try transaction.put(Self.node(first, at: now))
        }
    }

    /// Takes a node in. The same id twice is a programmer's error of the joiner: refused.
    func admit(_ joiner: Joiner) async throws {
        guard !joiner.nodeID.isEmpty, joiner.nodeID.utf8.count <= 64,
            joiner.nodeID.utf8.allSatisfy({ (48...57).contains($0) || (97...122).contains($0) })
        else { throw HTTPError(.badRequest, "'\(joiner.nodeID)' is no node id: up to 64 letters and digits are") }
        try await store.update(through: proposer, at: clock.wall()) { transaction in
            guard transaction.get(Node.self, joiner.nodeID) == nil,
                transaction.get(RemovedNode.self, joiner.nodeID) == nil
            else {
                throw HTTPError(.conflict, "a node of the id \(joiner.nodeID) is or was in the cluster already")
            }
            guard transaction.snapshot.count(Node.self) < Limits.nodes else {
                throw HTTPError(.serviceUnavailable, "the cluster has \(Limits.nodes) nodes, which is the most")
            }
            try transaction.put(Self.node(joiner, at: transaction.now))
        }
    }

    /// Puts the node in the place of all managers that there are.
    func takeOver(by joiner: Joiner) async throws {
        try await store.update(through: proposer, at: clock.wall()) { transaction in
            for node in transaction.snapshot.all(Node.self)
            where node.spec.role == .manager || node.currentRole == .manager {
                try CertificatePolicy.remove(node.id, in: &transaction)
            }
            try transaction.put(Self.node(joiner, at: transaction.now))
        }
    }

    func forget(nodes: [String]) async throws {
        try await store.update(through: proposer, at: clock.wall()) { transaction in
            for node in nodes { try CertificatePolicy.remove(node, in: &transaction) }
        }
    }

    private static func node(_ joiner: Joiner, at now: Timestamp) -> Node {
        Node(
            id: joiner.nodeID, createdAt: now, spec: NodeSpec(role: joiner.role, availability: joiner.availability),
            description: joiner.description,
            status: NodeStatus(state: .unknown, message: NodeStatus.letIn, address: host(of: joiner.address)),
            dataPathAddress: joiner.dataPathAddress, certificate: joiner.certificate, clusterAddress: joiner.address)
    }

    static func host(of address: String) -> String {
        address.lastIndex(of: ":").map { String(address[..<$0]) } ?? address
    }

    private static func pools(_ request: SwarmInitRequest) throws -> [String] {
        let given = request.defaultAddressPool ?? []
        for text in given {
            guard let pool = IPv4Prefix(text), pool.address == pool.first, pool.length <= 24 else {
                throw HTTPError(
                    .badRequest, "invalid default address pool \(text): an IPv4 prefix such as 10.20.0.0/16 is wanted")
            }
        }
        if let size = request.subnetSize, size != 0, !(16...29).contains(size) {
            throw HTTPError(.badRequest, "invalid default address pool subnet size \(size): 16 to 29 are possible")
        }
        return given.isEmpty ? ["10.0.0.0/8"] : given
    }
}

extension Duration {
    var inNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds &* 1_000_000_000 &+ attoseconds / 1_000_000_000
    }
}
