public import Platform

/// What a node takes part in: all run tasks, managers also replicate and decide.
public enum NodeRole: String, Codable, Sendable, Hashable { case worker, manager }

/// Whether a node takes new tasks (`active`), only keeps those it has (`pause`), or gives them up (`drain`).
public enum NodeAvailability: String, Codable, Sendable, Hashable, AbsentWhenEmpty { case active, pause, drain }

/// What the managers know of a node from its heartbeats.
public enum NodeState: String, Codable, Sendable, Hashable { case unknown, down, ready, disconnected }

/// What the leader knows of another manager.
public enum Reachability: String, Codable, Sendable, Hashable { case unknown, unreachable, reachable }

/// A member of the cluster (Engine API `Node`).
public struct Node: ClusterObject {
    public static let table = "node"

    public var id: String
    public var version = ObjectVersion()
    public var createdAt: Timestamp
    public var updatedAt: Timestamp
    public var spec: NodeSpec
    public var description: NodeDescription
    public var status: NodeStatus
    public var managerStatus: ManagerStatus?
    /// Where the other nodes' VXLAN devices send to. An extra field: Docker keeps it to itself.
    public var dataPathAddress: String?
    /// What the node has said that it uses. An extra field.
    public var certificate: NodeCertificate?
    /// `IP:PORT` of its cluster port, or of where it would be on a worker. An extra field.
    public var clusterAddress: String?
    /// What the managers take it for, where that was ever changed: a manager that is to be a worker is one until it has left the
    /// consensus group. `spec.role` is the wish. An extra field.
    public var role: NodeRole?
    /// How often it was made a manager since it joined; nil for never. An extra field.
    public var incarnation: UInt32?

    public var name: String? { spec.name }

    public init(
        id: String, createdAt: Timestamp, spec: NodeSpec, description: NodeDescription, status: NodeStatus,
        managerStatus: ManagerStatus? = nil, dataPathAddress: String? = nil, certificate: NodeCertificate? = nil,
        clusterAddress: String? = nil
    ) {
        self.id = id
        self.createdAt = createdAt
        self.updatedAt = createdAt
        self.spec = spec
        self.description = description
        self.status = status
        self.managerStatus = managerStatus
        self.dataPathAddress = dataPathAddress
        self.certificate = certificate
        self.clusterAddress = clusterAddress
    }

    enum CodingKeys: String, CodingKey {
        case id = "ID"
        case version = "Version"
        case createdAt = "CreatedAt"
        case updatedAt = "UpdatedAt"
        case spec = "Spec"
        case description = "Description"
        case status = "Status"
        case managerStatus = "ManagerStatus"
        case dataPathAddress = "DataPathAddr"
        case certificate = "Certificate"
        case clusterAddress = "ClusterAddr"
        case role = "Role"
        case incarnation = "Incarnation"
    }

    /// What the managers take it for at present.
    public var currentRole: NodeRole { role ?? spec.role }
}

/// Under which roots a node is and whom it trusts: SHA-256 of roots' DER to the base 36, as in join tokens.
public struct NodeCertificate: Codable, Sendable, Equatable {
    /// The root that issued its certificate.
    public var issuer: String
    /// All that it trusts.
    public var trusted: [String]
    /// What the certificate says that the node is; nil in what was noted before nodes could change.
    public var role: NodeRole?
    public var incarnation: UInt32?

    public init(issuer: String, trusted: [String], role: NodeRole? = nil, incarnation: UInt32? = nil) {
        self.issuer = issuer
        self.trusted = trusted
        self.role = role
        self.incarnation = incarnation
    }

    enum CodingKeys: String, CodingKey {
        case issuer = "Issuer"
        case trusted = "Trusted"
        case role = "Role"
        case incarnation = "Incarnation"
    }
}

/// What users set on a node.
public struct NodeSpec: Codable, Sendable, Equatable {
    public var name: String?
    public var labels: [String: String]?
    public var role: NodeRole
    public var availability: NodeAvailability

    public init(
        name: String? = nil, labels: [String: String]? = nil, role: NodeRole, availability: NodeAvailability = .active
    ) {
        self.name = name
        self.labels = labels
        self.role = role
        self.availability = availability
    }

    enum CodingKeys: String, CodingKey {
        case name = "Name"
        case labels = "Labels"
        case role = "Role"
        case availability = "Availability"
    }
}

/// What the node's agent says of itself when it registers.
public struct NodeDescription: Codable, Sendable, Equatable {
    public var hostname: String
    public var platform: Platform
    public var resources: Resources
    public var engine: EngineDescription
    /// Only in answers of the API.
    public var tlsInfo: TLSInfo?
    /// On a manager, which changes of the state it understands; nil is the first level. Docker has no word for it.
    public var commandLevel: Int?

    public init(
        hostname: String, platform: Platform, resources: Resources, engine: EngineDescription, tlsInfo: TLSInfo? = nil,
        commandLevel: Int? = nil
    ) {
        self.hostname = hostname
        self.platform = platform
        self.resources = resources
        self.engine = engine
        self.tlsInfo = tlsInfo
        self.commandLevel = commandLevel
    }

    enum CodingKeys: String, CodingKey {
        case hostname = "Hostname"
        case platform = "Platform"
        case resources = "Resources"
        case engine = "Engine"
        case commandLevel = "CommandLevel"
        case tlsInfo = "TLSInfo"
    }

    /// Whom the node trusts (Engine API `TLSInfo`).
    public struct TLSInfo: Codable, Sendable, Equatable {
        /// PEM, one root after the other.
        public var trustRoot: String

        public init(trustRoot: String) { self.trustRoot = trustRoot }

        enum CodingKeys: String, CodingKey { case trustRoot = "TrustRoot" }
    }

    /// The machine and the operating system an image must fit.
    public struct Platform: Codable, Sendable, Hashable {
        /// As `uname -m` spells it: `x86_64`, `aarch64`.
        public var architecture: String?
        public var os: String?

        public init(architecture: String?, os: String?) {
            self.architecture = architecture
            self.os = os
        }

        enum CodingKeys: String, CodingKey {
            case architecture = "Architecture"
            case os = "OS"
        }
    }
}

/// The engine on a node, its labels and plugins.
public struct EngineDescription: Codable, Sendable, Equatable {
    public var engineVersion: String
    public var labels: [String: String]?
    public var plugins: [Plugin]?

    public init(engineVersion: String, labels: [String: String]? = nil, plugins: [Plugin]? = nil) {
        self.engineVersion = engineVersion
        self.labels = labels
        self.plugins = plugins
    }

    enum CodingKeys: String, CodingKey {
        case engineVersion = "EngineVersion"
        case labels = "Labels"
        case plugins = "Plugins"
    }

    /// One capability of the engine, such as a network driver.
    public struct Plugin: Codable, Sendable, Equatable {
        public var type: String
        public var name: String

        public init(type: String, name: String) {
            self.type = type
            self.name = name
        }

        enum CodingKeys: String, CodingKey {
            case type = "Type"
            case name = "Name"
        }
    }
}

/// A node as the managers last saw it (Engine API `NodeStatus`).
public struct NodeStatus: Codable, Sendable, Equatable {
    public var state: NodeState
    public var message: String?
    public var address: String?

    public init(state: NodeState, message: String? = nil, address: String? = nil) {
        self.state = state
        self.message = message
        self.address = address
    }

    enum CodingKeys: String, CodingKey {
        case state = "State"
        case message = "Message"
        case address = "Addr"
    }
}

/// A manager's part in consensus (Engine API `ManagerStatus`).
public struct ManagerStatus: Codable, Sendable, Equatable {
    public var leader: Bool?
    public var reachability: Reachability
    public var address: String
    /// Its state is not what most managers have, or there is no most; absent where all is well. Docker has no word for it.
    public var differs: Bool?

    public init(leader: Bool? = nil, reachability: Reachability, address: String, differs: Bool? = nil) {
        self.leader = leader
        self.reachability = reachability
        self.address = address
        self.differs = differs
    }

    enum CodingKeys: String, CodingKey {
        case leader = "Leader"
        case reachability = "Reachability"
        case address = "Addr"
        case differs = "StateDiffers"
    }
}
