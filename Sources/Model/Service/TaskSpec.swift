/// What one task runs, and under which conditions (Engine API `TaskSpec`).
public struct TaskSpec: Codable, Sendable, Equatable {
    public var containerSpec: ContainerSpec?
    public var resources: ResourceRequirements?
    public var restartPolicy: RestartPolicy?
    public var placement: Placement?
    public var networks: [NetworkAttachmentConfig]?
    public var logDriver: LogDriver?
    /// Raised by users to replace all tasks although nothing else changed.
    public var forceUpdate: UInt64?
    public var runtime: String?

    public init(
        containerSpec: ContainerSpec?, resources: ResourceRequirements? = nil, restartPolicy: RestartPolicy? = nil,
        placement: Placement? = nil, networks: [NetworkAttachmentConfig]? = nil
    ) {
        self.containerSpec = containerSpec
        self.resources = resources
        self.restartPolicy = restartPolicy
        self.placement = placement
        self.networks = networks
    }

    enum CodingKeys: String, CodingKey {
        case containerSpec = "ContainerSpec"
        case resources = "Resources"
        case restartPolicy = "RestartPolicy"
        case placement = "Placement"
        case networks = "Networks"
        case logDriver = "LogDriver"
        case forceUpdate = "ForceUpdate"
        case runtime = "Runtime"
    }
}

/// What a task may use at most, and what is kept for it.
public struct ResourceRequirements: Codable, Sendable, Equatable {
    public var limits: Resources?
    public var reservations: Resources?

    public init(limits: Resources? = nil, reservations: Resources? = nil) {
        self.limits = limits
        self.reservations = reservations
    }

    enum CodingKeys: String, CodingKey {
        case limits = "Limits"
        case reservations = "Reservations"
    }
}

/// Processor, memory, processes.
public struct Resources: Codable, Sendable, Equatable {
    /// Billionths of a CPU.
    public var nanoCPUs: Int64?
    public var memoryBytes: Int64?
    /// Only a limit: the most processes.
    public var pids: Int64?

    public init(nanoCPUs: Int64? = nil, memoryBytes: Int64? = nil, pids: Int64? = nil) {
        self.nanoCPUs = nanoCPUs
        self.memoryBytes = memoryBytes
        self.pids = pids
    }

    enum CodingKeys: String, CodingKey {
        case nanoCPUs = "NanoCPUs"
        case memoryBytes = "MemoryBytes"
        case pids = "Pids"
    }
}

/// Whether and when an ended task is replaced.
public struct RestartPolicy: Codable, Sendable, Equatable {
    /// After which ends a task is replaced.
    public enum Condition: String, Codable, Sendable, AbsentWhenEmpty {
        case none, any
        case onFailure = "on-failure"
    }

    public var condition: Condition?
    /// Nanoseconds between an end and the replacement's start; default 5 s.
    public var delay: Int64?
    public var maxAttempts: UInt64?
    /// Nanoseconds in which `maxAttempts` counts; 0 means for ever.
    public var window: Int64?

    public init(condition: Condition? = nil, delay: Int64? = nil, maxAttempts: UInt64? = nil, window: Int64? = nil) {
        self.condition = condition
        self.delay = delay
        self.maxAttempts = maxAttempts
        self.window = window
    }

    enum CodingKeys: String, CodingKey {
        case condition = "Condition"
        case delay = "Delay"
        case maxAttempts = "MaxAttempts"
        case window = "Window"
    }
}

/// On which nodes tasks may run, and how they spread.
public struct Placement: Codable, Sendable, Equatable {
    /// `node.labels.zone==a`, `node.role!=manager`, ...
    public var constraints: [String]?
    public var preferences: [Preference]?
    /// 0 or nil: no limit.
    public var maxReplicas: UInt64?
    public var platforms: [NodeDescription.Platform]?

    public init(
        constraints: [String]? = nil, preferences: [Preference]? = nil, maxReplicas: UInt64? = nil,
        platforms: [NodeDescription.Platform]? = nil
    ) {
        self.constraints = constraints
        self.preferences = preferences
        self.maxReplicas = maxReplicas
        self.platforms = platforms
    }

    enum CodingKeys: String, CodingKey {
        case constraints = "Constraints"
        case preferences = "Preferences"
        case maxReplicas = "MaxReplicas"
        case platforms = "Platforms"
    }

    /// One wish among several, in their order.
    public struct Preference: Codable, Sendable, Equatable {
        public var spread: Spread?

        public init(spread: Spread?) { self.spread = spread }

        enum CodingKeys: String, CodingKey { case spread = "Spread" }
    }

    /// Spread evenly over the values of a label.
    public struct Spread: Codable, Sendable, Equatable {
        /// `node.labels.zone`
        public var descriptor: String

        public init(descriptor: String) { self.descriptor = descriptor }

        enum CodingKeys: String, CodingKey { case descriptor = "SpreadDescriptor" }
    }
}

/// Where the output of the container goes.
public struct LogDriver: Codable, Sendable, Equatable {
    public var name: String?
    public var options: [String: String]?

    public init(name: String?, options: [String: String]? = nil) {
        self.name = name
        self.options = options
    }

    enum CodingKeys: String, CodingKey {
        case name = "Name"
        case options = "Options"
    }
}
