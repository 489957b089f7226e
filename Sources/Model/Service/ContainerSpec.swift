/// The container of a task (Engine API `ContainerSpec`).
public struct ContainerSpec: Codable, Sendable, Equatable {
    public var image: String
    public var labels: [String: String]?
    /// Replaces the image's entrypoint.
    public var command: [String]?
    /// Replaces the image's command.
    public var args: [String]?
    public var hostname: String?
    /// `NAME=value`, or `NAME` to take the image's away.
    public var env: [String]?
    public var dir: String?
    public var user: String?
    public var groups: [String]?
    public var tty: Bool?
    public var openStdin: Bool?
    public var readOnly: Bool?
    public var mounts: [Mount]?
    public var stopSignal: String?
    /// Nanoseconds from the stop signal to SIGKILL; default 10 s.
    public var stopGracePeriod: Int64?
    public var healthcheck: HealthConfig?
    /// `IP name [alias...]` lines for /etc/hosts.
    public var hosts: [String]?
    public var dnsConfig: DNSConfig?
    public var secrets: [FileReference]?
    public var configs: [FileReference]?
    public var initProcess: Bool?
    public var sysctls: [String: String]?
    public var capabilityAdd: [String]?
    public var capabilityDrop: [String]?
    public var ulimits: [Ulimit]?

    public init(image: String, command: [String]? = nil, args: [String]? = nil, env: [String]? = nil) {
        self.image = image
        self.command = command
        self.args = args
        self.env = env
    }

    enum CodingKeys: String, CodingKey {
        case image = "Image"
        case labels = "Labels"
        case command = "Command"
        case args = "Args"
        case hostname = "Hostname"
        case env = "Env"
        case dir = "Dir"
        case user = "User"
        case groups = "Groups"
        case tty = "TTY"
        case openStdin = "OpenStdin"
        case readOnly = "ReadOnly"
        case mounts = "Mounts"
        case stopSignal = "StopSignal"
        case stopGracePeriod = "StopGracePeriod"
        case healthcheck = "Healthcheck"
        case hosts = "Hosts"
        case dnsConfig = "DNSConfig"
        case secrets = "Secrets"
        case configs = "Configs"
        case initProcess = "Init"
        case sysctls = "Sysctls"
        case capabilityAdd = "CapabilityAdd"
        case capabilityDrop = "CapabilityDrop"
        case ulimits = "Ulimits"
    }
}

/// A file system inside the container that is not the image's.
public struct Mount: Codable, Sendable, Equatable {
    /// What is mounted.
    public enum Kind: String, Codable, Sendable, AbsentWhenEmpty { case bind, volume, tmpfs, npipe, cluster, image }

    public var type: Kind?
    public var source: String?
    public var target: String
    public var readOnly: Bool?
    public var tmpfsOptions: TmpfsOptions?

    public init(type: Kind?, source: String? = nil, target: String, readOnly: Bool? = nil) {
        self.type = type
        self.source = source
        self.target = target
        self.readOnly = readOnly
    }

    enum CodingKeys: String, CodingKey {
        case type = "Type"
        case source = "Source"
        case target = "Target"
        case readOnly = "ReadOnly"
        case tmpfsOptions = "TmpfsOptions"
    }

    /// Only for `tmpfs`: its bound and its mode.
    public struct TmpfsOptions: Codable, Sendable, Equatable {
        public var sizeBytes: Int64?
        public var mode: UInt32?

        public init(sizeBytes: Int64? = nil, mode: UInt32? = nil) {
            self.sizeBytes = sizeBytes
            self.mode = mode
        }

        enum CodingKeys: String, CodingKey {
            case sizeBytes = "SizeBytes"
            case mode = "Mode"
        }
    }
}

/// How the container is asked whether it is well.
public struct HealthConfig: Codable, Sendable, Equatable {
    /// `["NONE"]`, `["CMD", args...]` or `["CMD-SHELL", command]`; empty inherits the image's.
    public var test: [String]?
    /// Nanoseconds.
    public var interval: Int64?
    public var timeout: Int64?
    public var startPeriod: Int64?
    public var retries: Int?

    public init(test: [String]?) { self.test = test }

    enum CodingKeys: String, CodingKey {
        case test = "Test"
        case interval = "Interval"
        case timeout = "Timeout"
        case startPeriod = "StartPeriod"
        case retries = "Retries"
    }
}

/// What goes into /etc/resolv.conf.
public struct DNSConfig: Codable, Sendable, Equatable {
    public var nameservers: [String]?
    public var search: [String]?
    public var options: [String]?

    public init(nameservers: [String]? = nil, search: [String]? = nil, options: [String]? = nil) {
        self.nameservers = nameservers
        self.search = search
        self.options = options
    }

    enum CodingKeys: String, CodingKey {
        case nameservers = "Nameservers"
        case search = "Search"
        case options = "Options"
    }
}

/// One limit of setrlimit(2), by its name without `RLIMIT_`.
public struct Ulimit: Codable, Sendable, Equatable {
    public var name: String
    public var soft: Int64
    public var hard: Int64

    enum CodingKeys: String, CodingKey {
        case name = "Name"
        case soft = "Soft"
        case hard = "Hard"
    }
}
