public import Model

/// What a container is to be: what users say in a service (`ContainerSpec`), and what the node adds to it.
public struct ContainerSpecification: Codable, Sendable {
    /// 64 hexadecimal digits.
    public var id: String
    /// `web.1.<task id>`
    public var name: String
    public var spec: ContainerSpec
    public var limits: Resources?
    /// All its labels, the cluster's own included.
    public var labels: [String: String]
    public var network: ContainerNetwork

    public init(
        id: String, name: String, spec: ContainerSpec, limits: Resources? = nil, labels: [String: String] = [:],
        network: ContainerNetwork
    ) {
        self.id = id
        self.name = name
        self.spec = spec
        self.limits = limits
        self.labels = labels
        self.network = network
    }
}

/// The network that a container starts in.
public struct ContainerNetwork: Codable, Sendable, Equatable {
    /// The file that pins its network namespace; nil for the host's own.
    public var namespacePath: String?
    /// What `/etc/hosts` says.
    public var hosts: String
    /// What `/etc/resolv.conf` says.
    public var resolverConfiguration: String

    public init(namespacePath: String?, hosts: String, resolverConfiguration: String) {
        self.namespacePath = namespacePath
        self.hosts = hosts
        self.resolverConfiguration = resolverConfiguration
    }
}
