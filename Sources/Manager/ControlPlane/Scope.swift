internal import Model
internal import Store

/// Which services a round has to look at. A larger scope costs time and changes nothing else.
enum Scope: Equatable {
    case all
    case services(Set<String>)

    static let none = Scope.services([])

    mutating func add(_ serviceID: String) {
        guard case .services(var ids) = self else { return }
        ids.insert(serviceID)
        self = .services(ids)
    }

    /// What the change may matter to.
    mutating func add(_ change: Change) {
        switch change.table {
        case ClusterTask.table:
            if let id = (change.after(ClusterTask.self) ?? change.before(ClusterTask.self))?.serviceID { add(id) }
        case Service.table: add(change.id)
        case Node.table:
            guard let old = change.before(Node.self), let new = change.after(Node.self), old.matters == new.matters
            else {
                self = .all
                return
            }
        case Network.table:
            guard let old = change.before(Network.self), let new = change.after(Network.self),
                old.matters == new.matters
            else {
                self = .all
                return
            }
        case Cluster.table: self = .all
        default: break
        }
    }

    /// Sorted.
    func serviceIDs(_ snapshot: Snapshot) -> [String] {
        switch self {
        case .services(let ids): return ids.sorted()
        case .all:
            var ids = Set(snapshot.all(Service.self).map(\.id))
            // Tasks of deleted services are looked at too.
            for task in snapshot.all(ClusterTask.self) { ids.insert(task.serviceID) }
            return ids.sorted()
        }
    }
}

extension Network {
    /// What of a network planners look at: what rests there is for a leader's first look.
    fileprivate var matters: Network {
        var network = withoutRest
        network.version = ObjectVersion()
        network.updatedAt = createdAt
        return network
    }
}

extension Node {
    /// What of a node planners look at.
    fileprivate var matters: Node {
        var node = self
        node.version = ObjectVersion()
        node.updatedAt = createdAt
        node.status.message = nil
        node.status.address = nil
        node.managerStatus = nil
        node.dataPathAddress = nil
        node.certificate = nil
        node.clusterAddress = nil
        node.role = nil
        node.incarnation = nil
        return node
    }
}
