/// What users say of a service (Engine API `ServiceSpec`). Absent fields mean the defaults.
public struct ServiceSpec: Codable, Sendable, Equatable {
    public var name: String?
    public var labels: [String: String]?
    public var taskTemplate: TaskSpec
    public var mode: ServiceMode?
    public var updateConfig: UpdateConfig?
    public var rollbackConfig: UpdateConfig?
    /// Older clients say networks here instead of in the task template.
    public var networks: [NetworkAttachmentConfig]?
    public var endpointSpec: EndpointSpec?

    public init(
        name: String?, labels: [String: String]? = nil, taskTemplate: TaskSpec, mode: ServiceMode? = nil,
        updateConfig: UpdateConfig? = nil, rollbackConfig: UpdateConfig? = nil,
        networks: [NetworkAttachmentConfig]? = nil, endpointSpec: EndpointSpec? = nil
    ) {
        self.name = name
        self.labels = labels
        self.taskTemplate = taskTemplate
        self.mode = mode
        self.updateConfig = updateConfig
        self.rollbackConfig = rollbackConfig
        self.networks = networks
        self.endpointSpec = endpointSpec
    }

    /// The networks of the task template, or else those said the older way.
    public var attachedNetworks: [NetworkAttachmentConfig] { taskTemplate.networks ?? networks ?? [] }

    enum CodingKeys: String, CodingKey {
        case name = "Name"
        case labels = "Labels"
        case taskTemplate = "TaskTemplate"
        case mode = "Mode"
        case updateConfig = "UpdateConfig"
        case rollbackConfig = "RollbackConfig"
        case networks = "Networks"
        case endpointSpec = "EndpointSpec"
    }
}

/// Exactly one field is set.
public struct ServiceMode: Codable, Sendable, Equatable {
    public var replicated: Replicated?
    public var global: Empty?
    public var replicatedJob: ReplicatedJob?
    public var globalJob: Empty?

    /// A fixed number of tasks.
    public static func replicated(_ replicas: UInt64) -> ServiceMode {
        var mode = ServiceMode()
        mode.replicated = Replicated(replicas: replicas)
        return mode
    }

    public static var global: ServiceMode {
        var mode = ServiceMode()
        mode.global = Empty()
        return mode
    }

    public init() {}

    /// Reads `replicated` and `global` as well: clients in Python write them so, and Docker's reader minds no case.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let lower = try decoder.container(keyedBy: LowerCaseKeys.self)
        replicated =
            try container.decodeIfPresent(Replicated.self, forKey: .replicated)
            ?? lower.decodeIfPresent(Replicated.self, forKey: .replicated)
        global =
            try container.decodeIfPresent(Empty.self, forKey: .global)
            ?? lower.decodeIfPresent(Empty.self, forKey: .global)
        replicatedJob = try container.decodeIfPresent(ReplicatedJob.self, forKey: .replicatedJob)
        globalJob = try container.decodeIfPresent(Empty.self, forKey: .globalJob)
    }

    private enum LowerCaseKeys: String, CodingKey { case replicated, global }

    enum CodingKeys: String, CodingKey {
        case replicated = "Replicated"
        case global = "Global"
        case replicatedJob = "ReplicatedJob"
        case globalJob = "GlobalJob"
    }

    /// A number of tasks, wherever there is room.
    public struct Replicated: Codable, Sendable, Equatable {
        public var replicas: UInt64?

        public init(replicas: UInt64?) { self.replicas = replicas }

        enum CodingKeys: String, CodingKey { case replicas = "Replicas" }
    }

    /// Tasks that run to completion, so many in all, so many at once.
    public struct ReplicatedJob: Codable, Sendable, Equatable {
        public var maxConcurrent: UInt64?
        public var totalCompletions: UInt64?

        public init(maxConcurrent: UInt64?, totalCompletions: UInt64?) {
            self.maxConcurrent = maxConcurrent
            self.totalCompletions = totalCompletions
        }

        enum CodingKeys: String, CodingKey {
            case maxConcurrent = "MaxConcurrent"
            case totalCompletions = "TotalCompletions"
        }
    }

    /// A mode that has nothing to say but its name: `{}`.
    public struct Empty: Codable, Sendable, Equatable {
        public init() {}
    }
}

/// How tasks of an old specification give way to those of a new one.
public struct UpdateConfig: Codable, Sendable, Equatable {
    /// Tasks replaced at once; 0 means all.
    public var parallelism: UInt64?
    /// Nanoseconds between batches.
    public var delay: Int64?
    /// `pause`, `continue` or `rollback`.
    public var failureAction: String?
    /// Nanoseconds each new task is watched.
    public var monitor: Int64?
    public var maxFailureRatio: Double?
    /// `stop-first` or `start-first`.
    public var order: String?

    public init(
        parallelism: UInt64? = nil, delay: Int64? = nil, failureAction: String? = nil, monitor: Int64? = nil,
        maxFailureRatio: Double? = nil, order: String? = nil
    ) {
        self.parallelism = parallelism
        self.delay = delay
        self.failureAction = failureAction
        self.monitor = monitor
        self.maxFailureRatio = maxFailureRatio
        self.order = order
    }

    enum CodingKeys: String, CodingKey {
        case parallelism = "Parallelism"
        case delay = "Delay"
        case failureAction = "FailureAction"
        case monitor = "Monitor"
        case maxFailureRatio = "MaxFailureRatio"
        case order = "Order"
    }
}

/// How the service is reached.
public struct EndpointSpec: Codable, Sendable, Equatable {
    /// One virtual address for all tasks (`vip`), or the tasks' own in turn (`dnsrr`).
    public enum Mode: String, Codable, Sendable, AbsentWhenEmpty { case vip, dnsrr }

    public var mode: Mode?
    public var ports: [PortConfig]?

    public init(mode: Mode? = nil, ports: [PortConfig]? = nil) {
        self.mode = mode
        self.ports = ports
    }

    enum CodingKeys: String, CodingKey {
        case mode = "Mode"
        case ports = "Ports"
    }
}

/// The protocol of a port.
public enum TransportProtocol: String, Codable, Sendable, Hashable, AbsentWhenEmpty { case tcp, udp, sctp }

/// A port of the tasks made reachable on nodes.
public struct PortConfig: Codable, Sendable, Hashable {
    /// On every node (`ingress`), or only on those that run a task (`host`).
    public enum PublishMode: String, Codable, Sendable, AbsentWhenEmpty { case ingress, host }

    public var name: String?
    public var transport: TransportProtocol?
    public var targetPort: UInt32
    /// Nil or 0: the allocator picks one of 30000 to 32767.
    public var publishedPort: UInt32?
    public var publishMode: PublishMode?

    public init(
        name: String? = nil, transport: TransportProtocol? = .tcp, targetPort: UInt32, publishedPort: UInt32? = nil,
        publishMode: PublishMode? = .ingress
    ) {
        self.name = name
        self.transport = transport
        self.targetPort = targetPort
        self.publishedPort = publishedPort
        self.publishMode = publishMode
    }

    enum CodingKeys: String, CodingKey {
        case name = "Name"
        case transport = "Protocol"
        case targetPort = "TargetPort"
        case publishedPort = "PublishedPort"
        case publishMode = "PublishMode"
    }
}

/// A network that the tasks are to be on.
public struct NetworkAttachmentConfig: Codable, Sendable, Equatable {
    /// A network's id or name.
    public var target: String
    public var aliases: [String]?
    public var driverOpts: [String: String]?

    public init(target: String, aliases: [String]? = nil, driverOpts: [String: String]? = nil) {
        self.target = target
        self.aliases = aliases
        self.driverOpts = driverOpts
    }

    enum CodingKeys: String, CodingKey {
        case target = "Target"
        case aliases = "Aliases"
        case driverOpts = "DriverOpts"
    }
}
