public import Model
import Platform

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Who this node is in its cluster, kept in `DATA-DIR/identity.json` from joining to leaving.
public struct NodeIdentity: Codable, Sendable, Equatable {
    /// The format of the file; a larger one is refused.
    public static let currentFormat = 1

    public var format = NodeIdentity.currentFormat
    public var nodeID: String
    public var clusterID: String
    public var role: NodeRole
    /// Proves this node to managers: HMAC-SHA256(cluster key, node id), hexadecimal.
    public var nodeKey: String
    /// Managers only: what every node's key derives from.
    public var clusterKey: String?
    /// `IP:PORT` where others reach this node's cluster port.
    public var advertiseAddress: String
    public var dataPathAddress: String
    public var dataPathPort: UInt16
    /// The managers last heard of, this node among them if it is one.
    public var managers: [ManagerEndpoint]

    public init(
        nodeID: String, clusterID: String, role: NodeRole, nodeKey: String, clusterKey: String?,
        advertiseAddress: String, dataPathAddress: String, dataPathPort: UInt16, managers: [ManagerEndpoint]
    ) {
        self.nodeID = nodeID
        self.clusterID = clusterID
        self.role = role
        self.nodeKey = nodeKey
        self.clusterKey = clusterKey
        self.advertiseAddress = advertiseAddress
        self.dataPathAddress = dataPathAddress
        self.dataPathPort = dataPathPort
        self.managers = managers
    }
}

extension NodeIdentity {
    /// The first manager of a new cluster.
    init(founding addresses: NodeAddresses) {
        self.init(
            founding: addresses, clusterID: Identifier.random(), clusterKey: Digest.hex(randomBytes(32)))
    }

    /// The only manager of a cluster that comes back from a backup.
    init(founding addresses: NodeAddresses, clusterID: String, clusterKey: String) {
        let nodeID = Identifier.random()
        self.init(
            nodeID: nodeID, clusterID: clusterID, role: .manager,
            nodeKey: NodeKey.derive(clusterKey: clusterKey, nodeID: nodeID, role: .manager), clusterKey: clusterKey,
            advertiseAddress: "\(addresses.advertise)", dataPathAddress: "\(addresses.dataPath)",
            dataPathPort: addresses.dataPathPort,
            managers: [ManagerEndpoint(nodeID: nodeID, address: "\(addresses.advertise)")])
    }

    /// What a manager made of a node that asked to join.
    init(nodeID: String, answer: JoinAnswer) {
        self.init(
            nodeID: nodeID, clusterID: answer.clusterID, role: answer.role, nodeKey: answer.nodeKey,
            clusterKey: answer.clusterKey, advertiseAddress: answer.advertiseAddress,
            dataPathAddress: answer.dataPathAddress, dataPathPort: answer.dataPathPort, managers: answer.managers)
    }
}

/// The identity's place on disk.
struct IdentityFile: Sendable {
    private let path: String
    private static let limitBytes = 1 << 20

    init(dataDirectory: String) { path = dataDirectory + "/identity.json" }

    /// Nil when the node is in no cluster.
    func load() throws -> NodeIdentity? {
        guard Files.exists(path) else { return nil }
        let bytes = try Files.read(path, limit: Self.limitBytes)
        let identity: NodeIdentity
        do {
            identity = try JSONDecoder().decode(NodeIdentity.self, from: Data(bytes))
        } catch {
            throw ConfigurationError(
                "\(path) is damaged (\(error)); restore it from a backup, or remove it and join again")
        }
        guard identity.format <= NodeIdentity.currentFormat else {
            throw ConfigurationError(
                "\(path) was written by a newer clusterd (format \(identity.format)); upgrade this one")
        }
        return identity
    }

    /// Durable when it returns.
    func save(_ identity: NodeIdentity) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try Files.replace(path, with: Array(encoder.encode(identity)), mode: 0o600)
    }

    func remove() throws {
        if Files.exists(path) { try Files.unlink(path) }
    }
}
