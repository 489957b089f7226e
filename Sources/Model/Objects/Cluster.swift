public import Platform

/// The cluster itself, one object (Engine API `Swarm`).
public struct Cluster: ClusterObject {
    public static let table = "cluster"

    public var id: String
    public var version = ObjectVersion()
    public var createdAt: Timestamp
    public var updatedAt: Timestamp
    public var spec: ClusterSpec
    public var dataPathPort: UInt32
    public var defaultAddressPool: [String]
    public var subnetSize: UInt32
    public var rootRotationInProgress = false

    public var name: String? { spec.name }

    public init(
        id: String, createdAt: Timestamp, spec: ClusterSpec, dataPathPort: UInt32, defaultAddressPool: [String],
        subnetSize: UInt32
    ) {
        self.id = id
        self.createdAt = createdAt
        self.updatedAt = createdAt
        self.spec = spec
        self.dataPathPort = dataPathPort
        self.defaultAddressPool = defaultAddressPool
        self.subnetSize = subnetSize
    }

    enum CodingKeys: String, CodingKey {
        case id = "ID"
        case version = "Version"
        case createdAt = "CreatedAt"
        case updatedAt = "UpdatedAt"
        case spec = "Spec"
        case dataPathPort = "DataPathPort"
        case defaultAddressPool = "DefaultAddrPool"
        case subnetSize = "SubnetSize"
        case rootRotationInProgress = "RootRotationInProgress"
    }
}

/// What users set on the cluster.
public struct ClusterSpec: Codable, Sendable, Equatable {
    public var name: String?
    public var labels: [String: String]?
    public var orchestration: Orchestration?
    public var dispatcher: Dispatcher?
    public var caConfig: CAConfig?
    public var encryptionConfig: EncryptionConfig?
    /// As the managers run, for who asks: it is no part of the state, and not set here.
    public var raft: ConsensusSettings?

    public init(
        name: String? = nil, labels: [String: String]? = nil, orchestration: Orchestration? = nil,
        dispatcher: Dispatcher? = nil, caConfig: CAConfig? = nil
    ) {
        self.name = name
        self.labels = labels
        self.orchestration = orchestration
        self.dispatcher = dispatcher
        self.caConfig = caConfig
    }

    enum CodingKeys: String, CodingKey {
        case name = "Name"
        case labels = "Labels"
        case orchestration = "Orchestration"
        case dispatcher = "Dispatcher"
        case caConfig = "CAConfig"
        case encryptionConfig = "EncryptionConfig"
        case raft = "Raft"
    }

    /// How managers keep their keys.
    public struct EncryptionConfig: Codable, Sendable, Equatable {
        /// Whether they are sealed on disk, so that a manager that starts has to be given the unlock key.
        public var autoLockManagers: Bool?

        public init(autoLockManagers: Bool?) { self.autoLockManagers = autoLockManagers }

        enum CodingKeys: String, CodingKey { case autoLockManagers = "AutoLockManagers" }
    }

    /// How the leader keeps its tasks.
    public struct Orchestration: Codable, Sendable, Equatable {
        /// How many ended tasks are kept for each slot.
        public var taskHistoryRetentionLimit: Int64?

        public init(taskHistoryRetentionLimit: Int64?) { self.taskHistoryRetentionLimit = taskHistoryRetentionLimit }

        enum CodingKeys: String, CodingKey { case taskHistoryRetentionLimit = "TaskHistoryRetentionLimit" }
    }

    /// How nodes get their certificates.
    public struct CAConfig: Codable, Sendable, Equatable {
        /// Nanoseconds for which a node's certificate is valid.
        public var nodeCertificateExpiry: Int64?
        /// A root of the operator's own and its key, PEM: in requests, never in the state.
        public var signingCertificate: String?
        public var signingKey: String?
        /// Counted up to have the root changed.
        public var forceRotate: UInt64?

        public init(
            nodeCertificateExpiry: Int64? = nil, signingCertificate: String? = nil, signingKey: String? = nil,
            forceRotate: UInt64? = nil
        ) {
            self.nodeCertificateExpiry = nodeCertificateExpiry
            self.signingCertificate = signingCertificate
            self.signingKey = signingKey
            self.forceRotate = forceRotate
        }

        enum CodingKeys: String, CodingKey {
            case nodeCertificateExpiry = "NodeCertExpiry"
            case signingCertificate = "SigningCACert"
            case signingKey = "SigningCAKey"
            case forceRotate = "ForceRotate"
        }
    }

    /// How agents and managers keep in touch.
    public struct Dispatcher: Codable, Sendable, Equatable {
        /// Nanoseconds between an agent's heartbeats.
        public var heartbeatPeriod: Int64?

        public init(heartbeatPeriod: Int64?) { self.heartbeatPeriod = heartbeatPeriod }

        enum CodingKeys: String, CodingKey { case heartbeatPeriod = "HeartbeatPeriod" }
    }
}

/// What membership comes from, replicated among managers only and never shown by the API but for tokens and root certificate.
public struct ClusterSecrets: ClusterObject {
    public static let table = "cluster-secrets"

    public var id: String
    public var version = ObjectVersion()
    public var createdAt: Timestamp
    public var updatedAt: Timestamp
    public var joinTokens: JoinTokens
    /// The certificate that every node's comes from, PEM.
    public var rootCertificate: String
    /// Its key, PEM: whoever has it can make managers.
    public var rootKey: String
    /// What managers seal their keys with, as `UnlockKey` writes it; nil where they do not.
    public var unlockKey: String?
    /// The change to another root that is under way.
    public var rotation: RootRotation?

    public var name: String? { nil }

    public init(id: String, createdAt: Timestamp, joinTokens: JoinTokens, rootCertificate: String, rootKey: String) {
        self.id = id
        self.createdAt = createdAt
        self.updatedAt = createdAt
        self.joinTokens = joinTokens
        self.rootCertificate = rootCertificate
        self.rootKey = rootKey
    }

    enum CodingKeys: String, CodingKey {
        case id = "ID"
        case version = "Version"
        case createdAt = "CreatedAt"
        case updatedAt = "UpdatedAt"
        case joinTokens = "JoinTokens"
        case rootCertificate = "RootCertificate"
        case rootKey = "RootKey"
        case unlockKey = "UnlockKey"
        case rotation = "RootRotation"
    }

    /// A root that takes the place of another, in steps that every node has taken before the next begins.
    public struct RootRotation: Codable, Sendable, Equatable {
        /// The step that nodes are to take.
        public enum Phase: String, Codable, Sendable {
            /// Every node is to trust both.
            case trusting
            /// Every node is to have a certificate of the next.
            case issuing
            /// The next is in force, and every node is to trust it alone: never in the state.
            case forgetting
        }

        public var phase: Phase
        /// PEM, as of the root in force.
        public var certificate: String
        public var key: String

        public init(phase: Phase, certificate: String, key: String) {
            self.phase = phase
            self.certificate = certificate
            self.key = key
        }

        enum CodingKeys: String, CodingKey {
            case phase = "Phase"
            case certificate = "Certificate"
            case key = "Key"
        }
    }
}

/// What lets a new node in, by the role it will have.
public struct JoinTokens: Codable, Sendable, Equatable {
    public var worker: String
    public var manager: String

    public init(worker: String, manager: String) {
        self.worker = worker
        self.manager = manager
    }

    enum CodingKeys: String, CodingKey {
        case worker = "Worker"
        case manager = "Manager"
    }
}
