public import Platform

/// A network of the cluster (Engine API `Network`, as `/networks` spells it).
public struct Network: ClusterObject {
    public static let table = "network"

    /// The name of the network that carries published ports to nodes without a local backend.
    public static let ingressName = "ingress"

    public var id: String
    public var version = ObjectVersion()
    public var createdAt: Timestamp
    public var updatedAt: Timestamp
    public var networkName: String
    public var scope = "swarm"
    public var driver: String
    public var enableIPv6 = false
    public var ipam: IPAMConfiguration
    public var isInternal: Bool
    public var attachable: Bool
    public var ingress: Bool
    public var options: [String: String]
    public var labels: [String: String]
    /// VXLAN network identifier, 24 bits; nil until the allocator gave one.
    public var vni: UInt32?
    /// On the ingress network: each node's own address, by node id.
    public var nodeAddresses: [String: String]?
    /// Addresses that were given up lately, and when: a leader who was not there lets them rest all the same.
    public private(set) var restingAddresses: [String: Timestamp]?

    public var name: String? { networkName }

    public init(
        id: String, createdAt: Timestamp, name: String, driver: String = "overlay", ipam: IPAMConfiguration = .init(),
        isInternal: Bool = false, attachable: Bool = false, ingress: Bool = false, options: [String: String] = [:],
        labels: [String: String] = [:]
    ) {
        self.id = id
        self.createdAt = createdAt
        self.updatedAt = createdAt
        self.networkName = name
        self.driver = driver
        self.ipam = ipam
        self.isInternal = isInternal
        self.attachable = attachable
        self.ingress = ingress
        self.options = options
        self.labels = labels
    }

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case version = "Version"
        case createdAt = "Created"
        case updatedAt = "UpdatedAt"
        case networkName = "Name"
        case scope = "Scope"
        case driver = "Driver"
        case enableIPv6 = "EnableIPv6"
        case ipam = "IPAM"
        case isInternal = "Internal"
        case attachable = "Attachable"
        case ingress = "Ingress"
        case options = "Options"
        case labels = "Labels"
        case vni = "VNI"
        case nodeAddresses = "NodeAddresses"
        case restingAddresses = "RestingAddresses"
    }

    /// How long an address that was given up is remembered: no shorter than it rests.
    public static let restMemory = Duration.seconds(30)
    /// Addresses that are remembered; beyond, those that have rested longest are not.
    public static let restLimit = 256

    /// Notes that addresses (with or without a prefix length) are given up; forgets those that were long ago.
    public mutating func rest(_ addresses: [String], at now: Timestamp) {
        var resting = (restingAddresses ?? [:]).filter { $0.value + Self.restMemory > now }
        for address in addresses { resting[String(address.prefix { $0 != "/" })] = now }
        if resting.count > Self.restLimit {
            let newest = resting.sorted { ($0.value, $0.key) > ($1.value, $1.key) }.prefix(Self.restLimit)
            resting = Dictionary(uniqueKeysWithValues: newest.map { ($0.key, $0.value) })
        }
        restingAddresses = resting.isEmpty ? nil : resting
    }

    /// What it is but for what rests there.
    public var withoutRest: Network {
        var network = self
        network.restingAddresses = nil
        return network
    }
}

/// Where the addresses of a network come from (Engine API `IPAM`).
public struct IPAMConfiguration: Codable, Sendable, Equatable {
    public var driver: String?
    public var options: [String: String]?
    public var config: [Pool]?

    public init(driver: String? = "default", options: [String: String]? = nil, config: [Pool]? = nil) {
        self.driver = driver
        self.options = options
        self.config = config
    }

    enum CodingKeys: String, CodingKey {
        case driver = "Driver"
        case options = "Options"
        case config = "Config"
    }

    /// One range of addresses.
    public struct Pool: Codable, Sendable, Equatable {
        /// A CIDR prefix such as `10.0.1.0/24`.
        public var subnet: String?
        public var gateway: String?
        public var ipRange: String?

        public init(subnet: String?, gateway: String? = nil, ipRange: String? = nil) {
            self.subnet = subnet
            self.gateway = gateway
            self.ipRange = ipRange
        }

        enum CodingKeys: String, CodingKey {
            case subnet = "Subnet"
            case gateway = "Gateway"
            case ipRange = "IPRange"
        }
    }
}
