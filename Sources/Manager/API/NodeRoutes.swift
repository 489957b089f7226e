internal import HTTP
internal import Model
internal import Store

/// Engine API `/nodes`.
struct NodeRoutes: Sendable {
    let api: ClusterAPI

    func register(in router: inout Router) {
        router.get("/nodes") { try .json(await list($0)) }
        router.get("/nodes/{id}") { request in
            let node = try api.view(for: request).findNode(try request.capture("id"))
            return try .json(await asOfNow([node])[0])
        }
        router.post("/nodes/{id}/update") { request in
            try await update(request)
            return HTTPResponse(.ok)
        }
        router.delete("/nodes/{id}") { request in
            try await remove(request)
            return HTTPResponse(.ok)
        }
    }

    private func list(_ request: HTTPRequest) async throws -> [Node] {
        let filters = try QueryFilters(request, known: ["id", "name", "label", "node.label", "role", "membership"])
        let nodes = try api.view(for: request).all(Node.self).filter { node in
            filters.allowID(node.id)
                && filters.allow("name") { node.description.hostname.hasPrefix($0) || node.spec.name == $0 }
                && filters.matchLabels(node.description.engine.labels ?? [:])
                && filters.matchLabels(node.spec.labels ?? [:], name: "node.label")
                && filters.allow("role") { $0 == node.spec.role.rawValue }
                && filters.allow("membership") { $0 == "accepted" }
        }
        return try await asOfNow(nodes)
    }

    /// Who leads and who is reachable is the Raft group's to say, at the moment of asking; who trusts the roots that are wanted,
    /// the state's.
    private func asOfNow(_ nodes: [Node]) async throws -> [Node] {
        let statuses = await api.operations.managerStatuses()
        let wanted = api.snapshot.all(ClusterSecrets.self).first.map(RootRotation.Wanted.init)
        let record = try wanted?.record()
        return nodes.map { node in
            var node = node
            node.managerStatus = statuses[node.id]
            if let wanted, let record, node.certificate?.matches(record) == true {
                node.description.tlsInfo = .init(trustRoot: wanted.roots.joined())
            }
            return node
        }
    }

    private func update(_ request: HTTPRequest) async throws {
        let reference = try request.capture("id")
        let seen = try api.seenVersion(request)
        let spec = try await api.decode(NodeSpec.self, request)
        if let name = spec.name, !name.isEmpty { try ServiceValidation.checkName(name) }
        let (group, level) = (await api.operations.members(), await api.operations.commandLevel())
        try await api.update { transaction in
            let view = try AccessView(transaction.snapshot, for: request)
            var node = try view.findNode(reference, for: .write)
            try api.check(node, isAt: seen)
            if spec.role != node.spec.role {
                try view.check(.admin, node)
                switch spec.role {
                case .manager: try RoleChange.check(promotionOf: node, level: level)
                case .worker:
                    let others = transaction.snapshot.all(Node.self).filter {
                        $0.spec.role == .manager && $0.id != node.id
                    }
                    try RoleChange.check(demotionOf: node, managers: Set(others.map(\.id)), group)
                }
                node.wish(spec.role)
            }
            node.spec = spec
            try view.check(.write, .node, with: spec.labels)
            try transaction.put(node)
        }
    }

    private func remove(_ request: HTTPRequest) async throws {
        let force = request.query.flag("force")
        let node = try api.view(for: request).findNode(try request.capture("id"), for: .admin)
        let statuses = await api.operations.managerStatuses()
        if let status = statuses[node.id] {
            guard force else {
                throw HTTPError(
                    .badRequest,
                    "rpc error: code = FailedPrecondition desc = node \(node.id) is a cluster manager and is a member of "
                        + "the raft cluster. It must be demoted to worker before removal, or removed with --force")
            }
            guard statuses.count > 1 else {
                throw HTTPError(
                    .badRequest, "rpc error: code = FailedPrecondition desc = node \(node.id) is the last manager")
            }
            guard status.leader != true else {
                throw HTTPError(
                    .badRequest,
                    "rpc error: code = FailedPrecondition desc = node \(node.id) leads the cluster: remove it once another "
                        + "manager does")
            }
            try Self.checkQuorum(without: node.id, statuses)
        } else if !force, node.status.state == .ready || node.status.isDoubted {
            throw HTTPError(
                .badRequest,
                "rpc error: code = FailedPrecondition desc = node \(node.id) is not down and can't be removed")
        }
        let places = await api.operations.members().filter { $0.nodeID == node.id }.map(\.place)
        // The state first: who is in it is to be in the group, and a leader after this one goes on from that.
        try await api.update { transaction in
            if let node = transaction.get(Node.self, node.id) {
                try AccessView(transaction.snapshot, for: request).check(.admin, node)
            }
            try CertificatePolicy.remove(node.id, in: &transaction)
        }
        for place in places { try await api.operations.removeMember(place: place) }
    }

    /// Taking a member out is itself decided by a quorum, and must leave one.
    private static func checkQuorum(without nodeID: String, _ statuses: [String: ManagerStatus]) throws {
        let rest = statuses.filter { $0.key != nodeID }
        let reachable = rest.values.filter { $0.reachability == .reachable }.count
        guard reachable >= rest.count / 2 + 1 else {
            throw HTTPError(
                .badRequest,
                "rpc error: code = FailedPrecondition desc = removing \(nodeID) would leave \(reachable) of \(rest.count) "
                    + "managers reachable, which is no quorum")
        }
    }
}
