public import Platform

/// What the node says of itself and of its cluster (`GET /info`).
public struct SystemInfo: Codable, Sendable, Equatable {
    public var id: String
    public var name: String
    public var containers: Int
    public var containersRunning: Int
    public var containersPaused: Int
    public var containersStopped: Int
    public var images: Int
    public var driver: String
    public var driverStatus: [[String]]
    public var systemTime: Timestamp
    public var loggingDriver: String
    public var cgroupDriver: String
    public var cgroupVersion: String
    public var kernelVersion: String
    public var operatingSystem: String
    public var osVersion: String
    public var osType: String
    public var architecture: String
    public var ncpu: Int
    public var memTotal: Int64
    public var dockerRootDir: String
    public var serverVersion: String
    public var defaultRuntime: String
    public var runtimes: [String: Runtime]
    public var plugins: Plugins
    public var swarm: Swarm
    public var memoryLimit = true
    public var pidsLimit = true
    public var ipv4Forwarding = true
    public var warnings: [String]?

    public init(
        id: String, name: String, containers: Int, containersRunning: Int, containersStopped: Int, images: Int,
        systemTime: Timestamp, cgroupVersion: String, kernelVersion: String, operatingSystem: String,
        osVersion: String, architecture: String, ncpu: Int, memTotal: Int64, rootDirectory: String,
        serverVersion: String, runtime: String, runtimePath: String, swarm: Swarm
    ) {
        self.id = id
        self.name = name
        self.containers = containers
        self.containersRunning = containersRunning
        self.containersPaused = 0
        self.containersStopped = containersStopped
        self.images = images
        self.driver = "overlay2"
        self.driverStatus = [["Supports d_type", "true"]]
        self.systemTime = systemTime
        self.loggingDriver = "json-file"
        self.cgroupDriver = "cgroupfs"
        self.cgroupVersion = cgroupVersion
        self.kernelVersion = kernelVersion
        self.operatingSystem = operatingSystem
        self.osVersion = osVersion
        self.osType = "linux"
        self.architecture = architecture
        self.ncpu = ncpu
        self.memTotal = memTotal
        self.dockerRootDir = rootDirectory
        self.serverVersion = serverVersion
        self.defaultRuntime = runtime
        self.runtimes = [runtime: Runtime(path: runtimePath)]
        self.plugins = Plugins()
        self.swarm = swarm
    }

    enum CodingKeys: String, CodingKey {
        case id = "ID"
        case name = "Name"
        case containers = "Containers"
        case containersRunning = "ContainersRunning"
        case containersPaused = "ContainersPaused"
        case containersStopped = "ContainersStopped"
        case images = "Images"
        case driver = "Driver"
        case driverStatus = "DriverStatus"
        case systemTime = "SystemTime"
        case loggingDriver = "LoggingDriver"
        case cgroupDriver = "CgroupDriver"
        case cgroupVersion = "CgroupVersion"
        case kernelVersion = "KernelVersion"
        case operatingSystem = "OperatingSystem"
        case osVersion = "OSVersion"
        case osType = "OSType"
        case architecture = "Architecture"
        case ncpu = "NCPU"
        case memTotal = "MemTotal"
        case dockerRootDir = "DockerRootDir"
        case serverVersion = "ServerVersion"
        case defaultRuntime = "DefaultRuntime"
        case runtimes = "Runtimes"
        case plugins = "Plugins"
        case swarm = "Swarm"
        case memoryLimit = "MemoryLimit"
        case pidsLimit = "PidsLimit"
        case ipv4Forwarding = "IPv4Forwarding"
        case warnings = "Warnings"
    }

    /// Where an OCI runtime is.
    public struct Runtime: Codable, Sendable, Equatable {
        public var path: String

        public init(path: String) { self.path = path }
    }

    /// The drivers that the engine has, by kind.
    public struct Plugins: Codable, Sendable, Equatable {
        public var volume = ["local"]
        public var network = ["bridge", "host", "overlay"]
        public var log = ["json-file"]

        public init() {}

        enum CodingKeys: String, CodingKey {
            case volume = "Volume"
            case network = "Network"
            case log = "Log"
        }
    }

    /// The node's part in a cluster.
    public struct Swarm: Codable, Sendable, Equatable {
        public var nodeID = ""
        public var nodeAddress = ""
        public var localNodeState = LocalNodeState.inactive
        public var controlAvailable = false
        public var error = ""
        public var remoteManagers: [RemoteManager]?
        public var nodes: Int?
        public var managers: Int?
        /// The cluster; its tokens are in none of its parts.
        public var cluster: Cluster?

        public init() {}

        enum CodingKeys: String, CodingKey {
            case nodeID = "NodeID"
            case nodeAddress = "NodeAddr"
            case localNodeState = "LocalNodeState"
            case controlAvailable = "ControlAvailable"
            case error = "Error"
            case remoteManagers = "RemoteManagers"
            case nodes = "Nodes"
            case managers = "Managers"
            case cluster = "Cluster"
        }
    }

    /// This node's part in a cluster.
    public enum LocalNodeState: String, Codable, Sendable { case inactive, pending, active, error, locked }

    /// A manager and its `IP:PORT`.
    public struct RemoteManager: Codable, Sendable, Equatable {
        public var nodeID: String
        public var address: String

        public init(nodeID: String, address: String) {
            self.nodeID = nodeID
            self.address = address
        }

        enum CodingKeys: String, CodingKey {
            case nodeID = "NodeID"
            case address = "Addr"
        }
    }
}
