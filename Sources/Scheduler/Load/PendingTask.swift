public import Model

/// A task that needs a node.
public struct PendingTask: Sendable, Equatable {
    public var id: String
    public var serviceID: String
    public var reservation: Reservation
    public var placement: Placement?
    public var hostPorts: [HostPort]
    /// The only node it may go to (tasks of global services); nil: any.
    public var nodeID: String?

    public init(
        id: String, serviceID: String, reservation: Reservation = .none, placement: Placement? = nil,
        hostPorts: [HostPort] = [], nodeID: String? = nil
    ) {
        self.id = id
        self.serviceID = serviceID
        self.reservation = reservation
        self.placement = placement
        self.hostPorts = hostPorts
        self.nodeID = nodeID
    }

    public init(_ task: ClusterTask) {
        self.init(
            id: task.id, serviceID: task.serviceID, reservation: Reservation(task.spec.resources?.reservations),
            placement: task.spec.placement, hostPorts: HostPort.all(in: task.ports), nodeID: task.nodeID)
    }

    /// Whether both ask the same of a node, so that one look at the nodes serves both.
    func asksTheSame(as other: PendingTask) -> Bool {
        serviceID == other.serviceID && reservation == other.reservation && hostPorts == other.hostPorts
            && placement == other.placement
    }
}
