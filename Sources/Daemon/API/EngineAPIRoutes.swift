import Agent
import Discovery
import HTTP
import Model

/// Every route of a node: those about itself, and those about the cluster, which whoever leads it answers.
enum EngineAPIRoutes {
    /// Beginnings of paths that are the cluster's.
    private static let clusterPaths = [
        "/services", "/tasks", "/nodes", "/networks", "/swarm", "/secrets", "/configs", "/tokens", "/distribution",
    ]

    private static func router(for node: LocalNode) -> Router {
        var router = Router(prefixes: ["", "/v{version}"])
        SystemRoutes(node: node).register(in: &router)
        SwarmRoutes(node: node).register(in: &router)
        BackupRoutes(node: node).register(in: &router)
        DataKeyRoutes(node: node).register(in: &router)
        ContainerRoutes(agent: node.agent).register(in: &router)
        ImageRoutes(agent: node.agent).register(in: &router)
        let cluster = ClusterForwarding { try await node.clusterAuthority() }
        for path in clusterPaths {
            for method in [HTTPMethod.get, .post, .put, .delete] {
                router.on(method, path) { try await cluster.respond(to: $0) }
                router.on(method, path + "/{rest...}") { try await cluster.respond(to: $0) }
            }
        }
        return router
    }

    /// Answers a request of one who may ask it, unless it asks for a version of the API that is not spoken.
    static func handler(for node: LocalNode, audit: AuditLog?) -> HTTPHandler {
        let router = router(for: node)
        let discovery = node.discovery
        let handler: HTTPHandler = { request in
            // Consul's version is no version of the Engine API: managers and clusterctl ask both here.
            if DiscoveryAPI.serves(request.path) { return await discovery.respond(to: request) }
            try checkVersion(request.path)
            return try await router.respond(to: request)
        }
        return AuditLog.guarding(handler, audit, calls: discovery.calls) { discovery.tokens }
    }

    /// What begins with a `v` and is no version.
    private static let nouns: Set<Substring> = ["version", "volumes"]

    /// `/v1.41/...`: between the oldest and the newest that are spoken, and spelled as one.
    static func checkVersion(_ path: String) throws {
        let first = path.dropFirst().prefix { $0 != "/" }
        guard first.first == "v", !nouns.contains(first) else { return }
        guard let version = APIVersion(first.dropFirst()), let oldest = APIVersion(EngineAPI.oldest[...]),
            let newest = APIVersion(EngineAPI.newest[...])
        else { throw HTTPError(.notFound, "page not found") }
        if version > newest {
            throw HTTPError(
                .badRequest,
                "client version \(first.dropFirst()) is too new. Maximum supported API version is \(EngineAPI.newest)")
        }
        if version < oldest {
            throw HTTPError(
                .badRequest,
                "client version \(first.dropFirst()) is too old. Minimum supported API version is \(EngineAPI.oldest), "
                    + "please upgrade your client to a newer version")
        }
    }
}

/// A version of the Engine API, `1.41`.
struct APIVersion: Comparable {
    let major: Int
    let minor: Int

    init?(_ text: Substring) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let major = Int(parts[0]), let minor = Int(parts[1]) else { return nil }
        self.major = major
        self.minor = minor
    }

    static func < (left: APIVersion, right: APIVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }
}
