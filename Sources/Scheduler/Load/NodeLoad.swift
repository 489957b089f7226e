public import Model

/// A node and what is on it, as placement counts it.
public struct NodeLoad: Sendable, Equatable {
    public var traits: NodeTraits
    public var capacity: Reservation
    /// Sum over the tasks on the node that are not over.
    public var reserved: Reservation
    /// Tasks on the node that are to run.
    public private(set) var taskCount: Int
    /// The same for each service.
    public private(set) var tasksByService: [String: Int]
    public private(set) var hostPorts: [HostPort: Int]

    public init(traits: NodeTraits, capacity: Reservation) {
        self.traits = traits
        self.capacity = capacity
        reserved = .none
        taskCount = 0
        tasksByService = [:]
        hostPorts = [:]
    }

    /// The node without tasks.
    public init(_ node: Node) {
        self.init(traits: NodeTraits(node), capacity: Reservation(node.description.resources))
    }

    /// Loads of all nodes with the tasks that are on them, in the order of `nodes`.
    public static func loads(of nodes: [Node], with tasks: some Sequence<ClusterTask>) -> [NodeLoad] {
        var loads = nodes.map { NodeLoad($0) }
        let indices = Dictionary(loads.indices.map { (loads[$0].traits.id, $0) }) { first, _ in first }
        for task in tasks {
            guard let nodeID = task.nodeID, let index = indices[nodeID] else { continue }
            loads[index].add(task)
        }
        return loads
    }

    /// Counts a task that is on the node. One whose work is over weighs nothing; one that is to stop still holds its resources
    /// and ports, but no longer counts for the spread.
    public mutating func add(_ task: ClusterTask) {
        guard !task.status.state.isTerminal else { return }
        if task.desiredState <= .complete {
            count(serviceID: task.serviceID, by: 1)
        }
        let ports = HostPort.all(in: task.ports)
        hold(Reservation(task.spec.resources?.reservations), ports)
    }

    mutating func add(_ task: PendingTask) {
        count(serviceID: task.serviceID, by: 1)
        hold(task.reservation, task.hostPorts)
    }

    private mutating func count(serviceID: String, by number: Int) {
        taskCount += number
        tasksByService[serviceID, default: 0] += number
    }

    private mutating func hold(_ reservation: Reservation, _ ports: [HostPort]) {
        reserved = reserved + reservation
        for port in ports {
            hostPorts[port, default: 0] += 1
        }
    }
}
