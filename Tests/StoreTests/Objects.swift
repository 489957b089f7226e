import Model
import Platform
import Store

let start = Timestamp(seconds: 1_800_000_000)

/// What databases are sealed with.
let testKeys = DataKeys(.first())

func makeService(_ id: String, name: String, replicas: UInt64 = 1) -> Service {
    let spec = ServiceSpec(
        name: name, taskTemplate: TaskSpec(containerSpec: ContainerSpec(image: "bb:1")), mode: .replicated(replicas))
    return Service(id: id, createdAt: start, spec: spec)
}

func makeTask(_ id: String, service: String, slot: Int, node: String? = nil) -> ClusterTask {
    ClusterTask(
        id: id, createdAt: start, spec: TaskSpec(containerSpec: ContainerSpec(image: "bb:1")), serviceID: service,
        serviceName: "web", slot: slot, nodeID: node)
}

/// Applies proposals at once, as a cluster of one member would.
actor LocalProposer: Proposer {
    let store: Store
    private var index: UInt64

    init(_ store: Store) {
        self.store = store
        self.index = store.applied.index
    }

    func propose(_ command: [UInt8]) async throws -> [UInt8] {
        index += 1
        return try store.apply(index: index, term: 1, command: command)
    }
}
