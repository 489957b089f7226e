import HTTP
import Model

/// Making, joining and leaving a cluster: what concerns this node, whatever its role
/// (Engine API `/swarm/init`, `/swarm/join`, `/swarm/leave`).
struct SwarmRoutes: Sendable {
    let node: LocalNode

    func register(in router: inout Router) {
        router.post("/swarm/init") { request in
            let wish = try await request.decode(SwarmInitRequest.self)
            return try .json(await Self.toTheEnd { try await node.initialize(wish) })
        }
        router.post("/swarm/join") { request in
            let wish = try await request.decode(SwarmJoinRequest.self)
            try await Self.toTheEnd { try await node.join(wish) }
            return HTTPResponse(.ok)
        }
        router.post("/swarm/leave") { request in
            let force = request.query.flag("force")
            try await Self.toTheEnd { try await node.leave(force: force) }
            return HTTPResponse(.ok)
        }
        router.post("/swarm/unlock") { request in
            let key = try await request.decode(SwarmUnlockKey.self)
            try await Self.toTheEnd { try await node.unlock(key.unlockKey) }
            return HTTPResponse(.ok)
        }
    }

    /// A client that goes away cancels its request, but not half of a change of what this node is.
    static func toTheEnd<T: Sendable>(_ body: @escaping @Sendable () async throws -> T) async throws -> T {
        // Not structured for that very reason; what it does has limits of its own.
        try await Task { try await body() }.value
    }
}
