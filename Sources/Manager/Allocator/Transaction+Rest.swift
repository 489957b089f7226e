internal import Model
internal import Platform
internal import Store

/// What is given up is noted in the transaction that gives it up, so that the next leader knows of it as well; and noted first, for of
/// a large transaction the latter part may be left out when the leader is lost.
extension Transaction {
    /// Takes a service out of the state. Its virtual addresses rest.
    mutating func remove(_ service: Service) throws {
        try rest((service.endpoint.virtualIPs ?? []).map { ($0.networkID, $0.address) })
        delete(Service.self, service.id)
    }

    /// Takes a task out of the state. Its addresses rest, if it held them until a moment ago.
    mutating func remove(_ task: ClusterTask) throws {
        if !task.status.state.isTerminal || task.status.timestamp + Network.restMemory > now {
            try rest((task.networksAttachments ?? []).flatMap { at in at.addresses.map { (at.network.id, $0) } })
        }
        delete(ClusterTask.self, task.id)
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
