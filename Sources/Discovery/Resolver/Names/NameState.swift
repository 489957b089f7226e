public import Platform

/// All names that a node's resolver answers for, network by network, as of one revision of the managers' state.
public struct NameState: Codable, Sendable, Equatable {
    public var revision: UInt64
    public var networks: [NetworkNames]

    public init(revision: UInt64 = 0, networks: [NetworkNames] = []) {
        self.revision = revision
        self.networks = networks
    }
}

/// The names on one network.
public struct NetworkNames: Codable, Sendable, Equatable {
    public var id: String
    /// Names also answer with this behind them: `web.app`.
    public var name: String
    /// Reverse questions for addresses in here are never forwarded.
    public var subnets: [IPv4Prefix]
    public var entries: [NameEntry]
    public var pointers: [NamePointer]

    public init(
        id: String, name: String, subnets: [IPv4Prefix] = [], entries: [NameEntry] = [], pointers: [NamePointer] = []
    ) {
        self.id = id
        self.name = name
        self.subnets = subnets
        self.entries = entries
        self.pointers = pointers
    }
}

/// A name and what it stands for. No addresses: the name is known, and has none now.
public struct NameEntry: Codable, Sendable, Equatable {
    public var name: String
    public var addresses: [HostAddress]

    public init(name: String, addresses: [HostAddress]) {
        self.name = name
        self.addresses = addresses
    }
}

/// What an address is called; the network's name is put behind it in the answer.
public struct NamePointer: Codable, Sendable, Equatable {
    public var address: HostAddress
    public var name: String

    public init(address: HostAddress, name: String) {
        self.address = address
        self.name = name
    }
}
