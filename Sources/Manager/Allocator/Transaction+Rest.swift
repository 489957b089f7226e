internal import Model
internal import Platform
internal import Store

/// What is given up is noted in the transaction that gives it up, so that the next leader knows of it as well.
extension Transaction {
    /// Takes a service out of the state. Its virtual addresses rest.
    mutating func remove(_ service: Service) throws {
        delete(Service.self, service.id)
        try rest((service.endpoint.virtualIPs ?? []).map { ($0.networkID, $0.address) })
    }

    /// Takes a task out of the state. Its addresses rest, if it held them until a moment ago.
    mutating func remove(_ task: ClusterTask) throws {
        delete(ClusterTask.self, task.id)
        guard !task.status.state.isTerminal || task.status.timestamp + Network.restMemory > now else { return }
        try rest((task.networksAttachments ?? []).flatMap { at in at.addresses.map { (at.network.id, $0) } })
    }

    /// - Parameter addresses: with the ids of their networks.
    mutating func rest(_ addresses: [(networkID: String, address: String)]) throws {
        for id in Set(addresses.map(\.networkID)).sorted() {
            guard var network = get(Network.self, id) else { continue }
            network.rest(addresses.filter { $0.networkID == id }.map(\.address), at: now)
            try put(network)
        }
    }
}
