public import Platform

/// Everything a node needs to know of the networks it takes part in, as of one revision of the managers' state.
public struct NetworkState: Codable, Sendable, Equatable {
    /// The store revision this was computed from; a lower one than the last applied is ignored.
    public var revision: UInt64
    /// Sorted by id.
    public var networks: [OverlayNetwork]
    /// Ports to open on this node, sorted by transport and port.
    public var publishedPorts: [PublishedPort]

    public init(revision: UInt64 = 0, networks: [OverlayNetwork] = [], publishedPorts: [PublishedPort] = []) {
        self.revision = revision
        self.networks = networks
        self.publishedPorts = publishedPorts
    }
}

/// One overlay network as its members see it.
public struct OverlayNetwork: Codable, Sendable, Equatable {
    public var id: String
    public var name: String
    /// VXLAN network identifier, 24 bits.
    public var vni: UInt32
    public var subnet: IPv4Prefix
    /// The bridge's address on every node.
    public var gateway: IPv4Address
    /// Nil: from the route to the peers.
    public var mtu: UInt32?
    /// No default route or egress through it.
    public var isInternal: Bool
    /// Carries published ports to nodes without a local backend.
    public var isIngress: Bool
    /// This node's own address on the ingress network; nil on others.
    public var nodeAddress: IPv4Address?
    /// The other nodes' own addresses on the ingress network (they must be reachable as peers), sorted by node id.
    public var nodePeers: [NodePeer]
    /// Sorted by task id; those of this node and of all others.
    public var endpoints: [Endpoint]
    /// Sorted by service id.
    public var services: [VirtualService]

    public init(
        id: String, name: String, vni: UInt32, subnet: IPv4Prefix, gateway: IPv4Address, mtu: UInt32? = nil,
        isInternal: Bool = false, isIngress: Bool = false, nodeAddress: IPv4Address? = nil, nodePeers: [NodePeer] = [],
        endpoints: [Endpoint] = [], services: [VirtualService] = []
    ) {
        self.id = id
        self.name = name
        self.vni = vni
        self.subnet = subnet
        self.gateway = gateway
        self.mtu = mtu
        self.isInternal = isInternal
        self.isIngress = isIngress
        self.nodeAddress = nodeAddress
        self.nodePeers = nodePeers
        self.endpoints = endpoints
        self.services = services
    }
}

/// Another node's own leg on the ingress network.
public struct NodePeer: Codable, Sendable, Equatable {
    public var nodeID: String
    /// Where its VXLAN device listens.
    public var tunnelAddress: IPv4Address
    public var address: IPv4Address

    public init(nodeID: String, tunnelAddress: IPv4Address, address: IPv4Address) {
        self.nodeID = nodeID
        self.tunnelAddress = tunnelAddress
        self.address = address
    }
}

/// One task's place on one network. Its MAC is `MACAddress(derivedFrom: address)`, 02:42 and the four address bytes.
public struct Endpoint: Codable, Sendable, Equatable {
    public var taskID: String
    /// `web.1.<task id>`
    public var taskName: String
    public var serviceID: String
    public var serviceName: String
    public var nodeID: String
    /// Where the node's VXLAN device listens.
    public var tunnelAddress: IPv4Address
    public var address: IPv4Address
    public var aliases: [String]
    /// Running (and healthy): takes part in load balancing and `tasks.` names. Others keep their place in FDB and neighbours only.
    public var isReady: Bool

    public init(
        taskID: String, taskName: String, serviceID: String, serviceName: String, nodeID: String,
        tunnelAddress: IPv4Address, address: IPv4Address, aliases: [String] = [], isReady: Bool
    ) {
        self.taskID = taskID
        self.taskName = taskName
        self.serviceID = serviceID
        self.serviceName = serviceName
        self.nodeID = nodeID
        self.tunnelAddress = tunnelAddress
        self.address = address
        self.aliases = aliases
        self.isReady = isReady
    }
}

/// A service's name and address on one network; its backends are the ready endpoints with its id.
public struct VirtualService: Codable, Sendable, Equatable {
    public var id: String
    public var name: String
    public var aliases: [String]
    /// Nil in `dnsrr` mode: the name answers with the backends' addresses.
    public var address: IPv4Address?

    public init(id: String, name: String, aliases: [String] = [], address: IPv4Address?) {
        self.id = id
        self.name = name
        self.aliases = aliases
        self.address = address
    }
}

/// A port of this node that leads to a service.
public struct PublishedPort: Codable, Sendable, Equatable {
    public var serviceID: String
    public var transport: TransportProtocol
    public var port: UInt16
    public var targetPort: UInt16
    /// Set in host mode: only this local task is behind the port. Nil in ingress mode: every ready endpoint of the
    /// service on the ingress network, local ones first.
    public var hostTaskID: String?

    public init(
        serviceID: String, transport: TransportProtocol, port: UInt16, targetPort: UInt16, hostTaskID: String? = nil
    ) {
        self.serviceID = serviceID
        self.transport = transport
        self.port = port
        self.targetPort = targetPort
        self.hostTaskID = hostTaskID
    }
}
