public import Platform

/// One unit of a service's work, for one slot or one node (Engine API `Task`); named so as not to shadow Swift's `Task`.
public struct ClusterTask: ClusterObject {
    public static let table = "task"

    public var id: String
    public var version = ObjectVersion()
    public var createdAt: Timestamp
    public var updatedAt: Timestamp
    public var labels: [String: String]?
    public var spec: TaskSpec
    public var serviceID: String
    /// Copied at creation: an agent names the container after it, and its labels say it.
    public var serviceName: String
    /// From 1, in replicated services; nil in global ones.
    public var slot: Int?
    public var nodeID: String?
    public var status: TaskStatus
    public var desiredState: TaskState
    public var networksAttachments: [NetworkAttachment]?
    /// The service's published ports in host mode and ingress mode as allocated when the task was made.
    public var ports: [PortConfig]?
    /// The service's `specVersion` it was made from.
    public var specVersion: ObjectVersion?
    /// Not to be started before this instant (restart delay).
    public var notBefore: Timestamp?
    /// When tasks of this slot and spec were replaced because they had ended, oldest first, as far as the restart
    /// policy's attempts count them.
    public var restartedAt: [Timestamp]?

    public var name: String? { nil }

    /// `web.1.<task id>`, or `web.<node id>.<task id>` in a global service: what the container is called.
    public var containerName: String {
        if let slot { return "\(serviceName).\(slot).\(id)" }
        return "\(serviceName).\(nodeID ?? "unassigned").\(id)"
    }

    public init(
        id: String, createdAt: Timestamp, spec: TaskSpec, serviceID: String, serviceName: String, slot: Int?,
        nodeID: String? = nil, desiredState: TaskState = .running, specVersion: ObjectVersion? = nil
    ) {
        self.id = id
        self.createdAt = createdAt
        self.updatedAt = createdAt
        self.spec = spec
        self.serviceID = serviceID
        self.serviceName = serviceName
        self.slot = slot
        self.nodeID = nodeID
        self.status = TaskStatus(timestamp: createdAt, state: .new, message: "created")
        self.desiredState = desiredState
        self.specVersion = specVersion
    }

    enum CodingKeys: String, CodingKey {
        case id = "ID"
        case version = "Version"
        case createdAt = "CreatedAt"
        case updatedAt = "UpdatedAt"
        case labels = "Labels"
        case spec = "Spec"
        case serviceID = "ServiceID"
        case serviceName = "ServiceName"
        case slot = "Slot"
        case nodeID = "NodeID"
        case status = "Status"
        case desiredState = "DesiredState"
        case networksAttachments = "NetworksAttachments"
        case ports = "Ports"
        case specVersion = "SpecVersion"
        case notBefore = "NotBefore"
        case restartedAt = "RestartedAt"
    }
}

/// What the agent observed of a task (Engine API `TaskStatus`).
public struct TaskStatus: Codable, Sendable, Equatable {
    public var timestamp: Timestamp
    public var state: TaskState
    public var message: String?
    public var error: String?
    public var containerStatus: ContainerStatus?
    public var portStatus: PortStatus?

    public init(
        timestamp: Timestamp, state: TaskState, message: String? = nil, error: String? = nil,
        containerStatus: ContainerStatus? = nil
    ) {
        self.timestamp = timestamp
        self.state = state
        self.message = message
        self.error = error
        self.containerStatus = containerStatus
    }

    enum CodingKeys: String, CodingKey {
        case timestamp = "Timestamp"
        case state = "State"
        case message = "Message"
        case error = "Err"
        case containerStatus = "ContainerStatus"
        case portStatus = "PortStatus"
    }

    /// The task's container: its id, its process, how it ended.
    public struct ContainerStatus: Codable, Sendable, Equatable {
        public var containerID: String?
        public var pid: Int?
        public var exitCode: Int?

        public init(containerID: String?, pid: Int? = nil, exitCode: Int? = nil) {
            self.containerID = containerID
            self.pid = pid
            self.exitCode = exitCode
        }

        enum CodingKeys: String, CodingKey {
            case containerID = "ContainerID"
            case pid = "PID"
            case exitCode = "ExitCode"
        }
    }

    /// Ports published on the node itself (host mode).
    public struct PortStatus: Codable, Sendable, Equatable {
        public var ports: [PortConfig]?

        public init(ports: [PortConfig]?) { self.ports = ports }

        enum CodingKeys: String, CodingKey { case ports = "Ports" }
    }
}

/// A task's place on one network.
public struct NetworkAttachment: Codable, Sendable, Equatable {
    public var network: NetworkReference
    /// Addresses with prefix length: `10.0.1.3/24`.
    public var addresses: [String]
    public var aliases: [String]?

    public init(network: NetworkReference, addresses: [String], aliases: [String]? = nil) {
        self.network = network
        self.addresses = addresses
        self.aliases = aliases
    }

    enum CodingKeys: String, CodingKey {
        case network = "Network"
        case addresses = "Addresses"
        case aliases = "Aliases"
    }

    /// The network by id and name.
    public struct NetworkReference: Codable, Sendable, Equatable {
        public var id: String
        public var spec: Spec

        public init(id: String, name: String) {
            self.id = id
            self.spec = Spec(name: name)
        }

        enum CodingKeys: String, CodingKey {
            case id = "ID"
            case spec = "Spec"
        }

        /// What an attachment repeats of the network's specification.
        public struct Spec: Codable, Sendable, Equatable {
            public var name: String

            enum CodingKeys: String, CodingKey { case name = "Name" }
        }
    }
}
