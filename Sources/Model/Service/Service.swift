public import Platform

/// A service: what should run, how many, reachable how (Engine API `Service`).
public struct Service: ClusterObject {
    public static let table = "service"

    public var id: String
    public var version = ObjectVersion()
    public var createdAt: Timestamp
    public var updatedAt: Timestamp
    public var spec: ServiceSpec
    public var previousSpec: ServiceSpec?
    public var endpoint: ServiceEndpoint
    public var updateStatus: UpdateStatus?
    /// The version of `spec` itself: tasks of an older one are replaced.
    public var specVersion = ObjectVersion()
    /// Only in answers to `GET /services?status=true`.
    public var serviceStatus: ServiceStatus?

    public var name: String? { spec.name }

    public init(id: String, createdAt: Timestamp, spec: ServiceSpec) {
        self.id = id
        self.createdAt = createdAt
        self.updatedAt = createdAt
        self.spec = spec
        self.endpoint = ServiceEndpoint()
    }

    enum CodingKeys: String, CodingKey {
        case id = "ID"
        case version = "Version"
        case createdAt = "CreatedAt"
        case updatedAt = "UpdatedAt"
        case spec = "Spec"
        case previousSpec = "PreviousSpec"
        case endpoint = "Endpoint"
        case updateStatus = "UpdateStatus"
        case specVersion = "SpecVersion"
        case serviceStatus = "ServiceStatus"
    }
}

/// How many tasks run, should run and have completed.
public struct ServiceStatus: Codable, Sendable, Equatable {
    public var runningTasks: UInt64
    public var desiredTasks: UInt64
    public var completedTasks: UInt64

    public init(runningTasks: UInt64, desiredTasks: UInt64, completedTasks: UInt64) {
        self.runningTasks = runningTasks
        self.desiredTasks = desiredTasks
        self.completedTasks = completedTasks
    }

    enum CodingKeys: String, CodingKey {
        case runningTasks = "RunningTasks"
        case desiredTasks = "DesiredTasks"
        case completedTasks = "CompletedTasks"
    }
}

/// How far an update or a rollback has come.
public struct UpdateStatus: Codable, Sendable, Equatable {
    /// `updating`, `paused`, `completed`, `rollback_started`, `rollback_paused` or `rollback_completed`.
    public var state: String
    public var startedAt: Timestamp?
    public var completedAt: Timestamp?
    public var message: String?

    public init(state: String, startedAt: Timestamp? = nil, completedAt: Timestamp? = nil, message: String? = nil) {
        self.state = state
        self.startedAt = startedAt
        self.completedAt = completedAt
        self.message = message
    }

    enum CodingKeys: String, CodingKey {
        case state = "State"
        case startedAt = "StartedAt"
        case completedAt = "CompletedAt"
        case message = "Message"
    }
}

/// What the allocator gave the service: published ports and virtual addresses.
public struct ServiceEndpoint: Codable, Sendable, Equatable {
    public var spec: EndpointSpec?
    public var ports: [PortConfig]?
    public var virtualIPs: [VirtualIP]?

    public init(spec: EndpointSpec? = nil, ports: [PortConfig]? = nil, virtualIPs: [VirtualIP]? = nil) {
        self.spec = spec
        self.ports = ports
        self.virtualIPs = virtualIPs
    }

    enum CodingKeys: String, CodingKey {
        case spec = "Spec"
        case ports = "Ports"
        case virtualIPs = "VirtualIPs"
    }

    /// The service's address on one network.
    public struct VirtualIP: Codable, Sendable, Equatable {
        public var networkID: String
        /// Address with prefix length: `10.0.1.2/24`.
        public var address: String

        public init(networkID: String, address: String) {
            self.networkID = networkID
            self.address = address
        }

        enum CodingKeys: String, CodingKey {
            case networkID = "NetworkID"
            case address = "Addr"
        }
    }
}
