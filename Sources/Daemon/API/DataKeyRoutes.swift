import HTTP
import Model

/// The data keys of the manager that is asked (docs/decisions/0033): `GET /swarm/data-key`, `POST /swarm/data-key/rotate`.
struct DataKeyRoutes: Sendable {
    let node: LocalNode

    func register(in router: inout Router) {
        router.get("/swarm/data-key") { _ in try .json(await node.managerRole().dataKeys) }
        router.post("/swarm/data-key/rotate") { _ in
            try .json(await SwarmRoutes.toTheEnd { try await node.managerRole().rotateDataKey() })
        }
    }
}
