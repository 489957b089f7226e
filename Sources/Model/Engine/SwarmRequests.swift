/// `POST /swarm/init`
public struct SwarmInitRequest: Codable, Sendable, Equatable {
    public var listenAddress: String?
    public var advertiseAddress: String?
    public var dataPathAddress: String?
    public var dataPathPort: UInt32?
    public var forceNewCluster: Bool?
    public var autoLockManagers: Bool?
    public var availability: NodeAvailability?
    public var defaultAddressPool: [String]?
    public var subnetSize: UInt32?
    public var spec: ClusterSpec?

    public init(
        listenAddress: String? = nil, advertiseAddress: String? = nil, dataPathAddress: String? = nil,
        dataPathPort: UInt32? = nil, availability: NodeAvailability? = nil, defaultAddressPool: [String]? = nil,
        subnetSize: UInt32? = nil
    ) {
        self.listenAddress = listenAddress
        self.advertiseAddress = advertiseAddress
        self.dataPathAddress = dataPathAddress
        self.dataPathPort = dataPathPort
        self.availability = availability
        self.defaultAddressPool = defaultAddressPool
        self.subnetSize = subnetSize
    }

    enum CodingKeys: String, CodingKey {
        case listenAddress = "ListenAddr"
        case advertiseAddress = "AdvertiseAddr"
        case dataPathAddress = "DataPathAddr"
        case dataPathPort = "DataPathPort"
        case forceNewCluster = "ForceNewCluster"
        case autoLockManagers = "AutoLockManagers"
        case availability = "Availability"
        case defaultAddressPool = "DefaultAddrPool"
        case subnetSize = "SubnetSize"
        case spec = "Spec"
    }
}

/// `POST /swarm/join`
public struct SwarmJoinRequest: Codable, Sendable, Equatable {
    public var listenAddress: String?
    public var advertiseAddress: String?
    public var dataPathAddress: String?
    public var remoteAddresses: [String]
    public var joinToken: String
    public var availability: NodeAvailability?

    public init(
        listenAddress: String? = nil, advertiseAddress: String? = nil, dataPathAddress: String? = nil,
        remoteAddresses: [String], joinToken: String, availability: NodeAvailability? = nil
    ) {
        self.listenAddress = listenAddress
        self.advertiseAddress = advertiseAddress
        self.dataPathAddress = dataPathAddress
        self.remoteAddresses = remoteAddresses
        self.joinToken = joinToken
        self.availability = availability
    }

    enum CodingKeys: String, CodingKey {
        case listenAddress = "ListenAddr"
        case advertiseAddress = "AdvertiseAddr"
        case dataPathAddress = "DataPathAddr"
        case remoteAddresses = "RemoteAddrs"
        case joinToken = "JoinToken"
        case availability = "Availability"
    }
}

/// `POST /swarm/unlock`, and the answer to `GET /swarm/unlockkey`
public struct SwarmUnlockKey: Codable, Sendable, Equatable {
    /// As `UnlockKey` writes it; empty where managers do not lock themselves.
    public var unlockKey: String

    public init(unlockKey: String) { self.unlockKey = unlockKey }

    enum CodingKeys: String, CodingKey { case unlockKey = "UnlockKey" }
}
