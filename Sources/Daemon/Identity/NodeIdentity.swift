public import Model
public import Platform
import Raft

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Who this node is in its cluster, kept in `DATA-DIR/identity.json` from joining to leaving.
public struct NodeIdentity: Codable, Sendable, Equatable {
    /// The newest format of the file; a larger one is refused.
    public static let currentFormat = 4
    /// Without data keys; 2 knew no `incarnation` either.
    static let formerFormats = 2...3

    public var format = NodeIdentity.currentFormat
    public var nodeID: String
    public var clusterID: String
    public var role: NodeRole
    /// How often it was made a manager since it joined, as its certificate says; nil for never.
    public var incarnation: UInt32?
    /// The node's private key, its certificate and the cluster's roots, PEM one after the other.
    public var credentials: String
    /// `IP:PORT` where others reach this node's cluster port.
    public var advertiseAddress: String
    public var dataPathAddress: String
    public var dataPathPort: UInt16
    /// The managers last heard of, this node among them if it is one.
    public var managers: [ManagerEndpoint]
    /// What the node seals its log, its snapshots and its state with, where it is a manager.
    public var dataKeys: [DataKey]

    /// A node that has sealed nothing yet, unless its keys are given.
    public init(
        nodeID: String, clusterID: String, role: NodeRole, credentials: String,
        advertiseAddress: String, dataPathAddress: String, dataPathPort: UInt16, managers: [ManagerEndpoint],
        dataKeys: [DataKey] = [.first()]
    ) {
        self.nodeID = nodeID
        self.clusterID = clusterID
        self.role = role
        self.credentials = credentials
        self.advertiseAddress = advertiseAddress
        self.dataPathAddress = dataPathAddress
        self.dataPathPort = dataPathPort
        self.managers = managers
        self.dataKeys = dataKeys
    }
}

extension NodeIdentity {
    /// Its place in the Raft group, if it is a manager.
    var place: NodeID { NodeID(of: nodeID, incarnation: incarnation ?? 0) }

    /// Takes up what its next certificate says that it is.
    mutating func take(_ next: NodeCredentials) {
        // What it sealed as a manager is removed; what a disk keeps of it is not to be opened by these any more.
        if role == .manager, next.node.role == .worker { dataKeys = [.first()] }
        credentials = String(decoding: next.pem, as: UTF8.self)
        role = next.node.role == .manager ? .manager : .worker
        incarnation = next.node.incarnation == 0 ? nil : next.node.incarnation
    }

    /// The first manager of a cluster that this authority vouches for; the cluster is new, or comes back with its id.
    init(
        founding addresses: NodeAddresses, clusterID: String, by authority: CertificateAuthority,
        validity: Duration = CertificateAuthority.nodeValidity, trusting roots: [Certificate]? = nil
    ) throws {
        let (nodeID, key) = (Identifier.random(), PrivateKey.generate())
        let certificate = try authority.issue(
            CertificateRequest(signedBy: key),
            to: PeerIdentity(nodeID: nodeID, role: .manager, clusterID: clusterID), validity: validity)
        self.init(
            try NodeCredentials(key: key, certificate: certificate, roots: roots ?? [authority.root]),
            advertiseAddress: "\(addresses.advertise)", dataPathAddress: "\(addresses.dataPath)",
            dataPathPort: addresses.dataPathPort,
            managers: [ManagerEndpoint(nodeID: nodeID, address: "\(addresses.advertise)")])
    }

    /// Who a node is, is what its certificate says.
    init(
        _ credentials: NodeCredentials, advertiseAddress: String, dataPathAddress: String, dataPathPort: UInt16,
        managers: [ManagerEndpoint]
    ) {
        self.init(
            nodeID: credentials.node.nodeID, clusterID: credentials.node.clusterID,
            role: credentials.node.role == .manager ? .manager : .worker,
            credentials: String(decoding: credentials.pem, as: UTF8.self), advertiseAddress: advertiseAddress,
            dataPathAddress: dataPathAddress, dataPathPort: dataPathPort, managers: managers)
        take(credentials)
    }

    /// The data keys in use.
    ///
    /// - Throws: `ConfigurationError` where there are none.
    func openDataKeys() throws -> DataKeys {
        guard let keys = DataKeys(dataKeys) else {
            throw ConfigurationError("the data keys in identity.json are damaged; restore it from a backup")
        }
        return keys
    }

    /// The credentials in use.
    ///
    /// - Throws: `ConfigurationError` where they are not those of this node.
    func openCredentials() throws -> CurrentCredentials {
        do {
            let credentials = try NodeCredentials(pem: [UInt8](credentials.utf8))
            let node = PeerIdentity(
                nodeID: nodeID, role: PeerIdentity.Role(role), clusterID: clusterID, incarnation: incarnation ?? 0)
            guard credentials.node == node else {
                throw CertificateError.untrusted("it is that of \(credentials.node), and this is \(node)")
            }
            return CurrentCredentials(credentials)
        } catch {
            throw ConfigurationError(
                "the credentials in identity.json are damaged (\(error)); restore it from a backup, or remove it and join "
                    + "again")
        }
    }
}
