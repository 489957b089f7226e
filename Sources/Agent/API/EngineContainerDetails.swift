import Model
import Platform

/// A container as `GET /containers/{id}/json` shows it (Engine API `ContainerInspectResponse`).
struct EngineContainerDetails: Encodable {
    struct State: Encodable {
        var status: String
        var isRunning: Bool
        var isPaused = false
        var isRestarting = false
        var wasOutOfMemory: Bool
        var isDead = false
        var pid: Int
        var exitCode: Int
        var error: String
        var startedAt: Timestamp
        var finishedAt: Timestamp

        enum CodingKeys: String, CodingKey {
            case status = "Status"
            case isRunning = "Running"
            case isPaused = "Paused"
            case isRestarting = "Restarting"
            case wasOutOfMemory = "OOMKilled"
            case isDead = "Dead"
            case pid = "Pid"
            case exitCode = "ExitCode"
            case error = "Error"
            case startedAt = "StartedAt"
            case finishedAt = "FinishedAt"
        }
    }

    struct HostConfiguration: Encodable {
        struct LogConfiguration: Encodable {
            var type = "json-file"
            var config: [String: String] = [:]
            enum CodingKeys: String, CodingKey {
                case type = "Type"
                case config = "Config"
            }
        }

        struct RestartPolicy: Encodable {
            var name = "no"
            var maximumRetryCount = 0
            enum CodingKeys: String, CodingKey {
                case name = "Name"
                case maximumRetryCount = "MaximumRetryCount"
            }
        }

        var memory: Int64
        var nanoCPUs: Int64
        var pidsLimit: Int64?
        var networkMode: String
        var isRootReadOnly: Bool
        var isPrivileged = false
        var cgroup: String
        var log = LogConfiguration()
        var restartPolicy = RestartPolicy()

        enum CodingKeys: String, CodingKey {
            case memory = "Memory"
            case nanoCPUs = "NanoCpus"
            case pidsLimit = "PidsLimit"
            case networkMode = "NetworkMode"
            case isRootReadOnly = "ReadonlyRootfs"
            case isPrivileged = "Privileged"
            case cgroup = "CgroupParent"
            case log = "LogConfig"
            case restartPolicy = "RestartPolicy"
        }
    }

    struct Configuration: Encodable {
        var hostname: String
        var user: String
        var environment: [String]
        var command: [String]
        var image: String
        var labels: [String: String]
        var workingDirectory: String
        var hasTerminal: Bool
        var isStdinOpen: Bool
        var entrypoint: [String]?

        enum CodingKeys: String, CodingKey {
            case hostname = "Hostname"
            case user = "User"
            case environment = "Env"
            case command = "Cmd"
            case image = "Image"
            case labels = "Labels"
            case workingDirectory = "WorkingDir"
            case hasTerminal = "Tty"
            case isStdinOpen = "OpenStdin"
            case entrypoint = "Entrypoint"
        }
    }

    var id: String
    var created: Timestamp
    var path: String
    var arguments: [String]
    var state: State
    var image: String
    var resolverPath: String
    var hostnamePath: String
    var hostsPath: String
    var logPath: String
    var name: String
    var restartCount = 0
    var driver = "overlay2"
    var platform = "linux"
    var hostConfiguration: HostConfiguration
    var mounts: [EngineMountPoint]
    var configuration: Configuration
    var networkSettings: EngineContainerSummary.NetworkSettings

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case created = "Created"
        case path = "Path"
        case arguments = "Args"
        case state = "State"
        case image = "Image"
        case resolverPath = "ResolvConfPath"
        case hostnamePath = "HostnamePath"
        case hostsPath = "HostsPath"
        case logPath = "LogPath"
        case name = "Name"
        case restartCount = "RestartCount"
        case driver = "Driver"
        case platform = "Platform"
        case hostConfiguration = "HostConfig"
        case mounts = "Mounts"
        case configuration = "Config"
        case networkSettings = "NetworkSettings"
    }

    init(_ record: ContainerRecord, paths: ContainerPaths, cgroupPath: String) {
        let spec = record.specification.spec
        id = record.id
        created = record.createdAt
        path = record.arguments.first ?? ""
        arguments = Array(record.arguments.dropFirst())
        state = State(
            status: record.engineState, isRunning: record.state == .running,
            wasOutOfMemory: record.exit?.wasOutOfMemory ?? false,
            pid: record.state == .running ? Int(record.process?.pid ?? 0) : 0, exitCode: Int(record.exit?.code ?? 0),
            error: record.exit?.error ?? "", startedAt: record.startedAt ?? .zero,
            finishedAt: record.exit?.at ?? .zero)
        image = record.image.description
        resolverPath = paths.resolver
        hostnamePath = paths.hostname
        hostsPath = paths.hosts
        logPath = paths.log
        name = "/" + record.name
        hostConfiguration = HostConfiguration(
            memory: record.specification.limits?.memoryBytes ?? 0,
            nanoCPUs: record.specification.limits?.nanoCPUs ?? 0, pidsLimit: record.specification.limits?.pids,
            networkMode: record.specification.network.namespacePath == nil ? "host" : "default",
            isRootReadOnly: spec.readOnly ?? false, cgroup: cgroupPath)
        mounts = (spec.mounts ?? []).map(EngineMountPoint.init)
        configuration = Configuration(
            hostname: spec.hostname ?? String(record.id.prefix(12)), user: spec.user ?? "",
            environment: spec.env ?? [], command: record.arguments, image: spec.image,
            labels: record.specification.labels, workingDirectory: spec.dir ?? "", hasTerminal: spec.tty ?? false,
            isStdinOpen: spec.openStdin ?? false, entrypoint: spec.command)
        networkSettings = .init(networks: [:])
    }
}
