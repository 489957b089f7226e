import Model
import Platform

/// A container as `GET /containers/json` lists it (Engine API `ContainerSummary`).
struct EngineContainerSummary: Encodable {
    struct HostConfiguration: Encodable {
        var networkMode: String
        enum CodingKeys: String, CodingKey { case networkMode = "NetworkMode" }
    }

    struct NetworkSettings: Encodable {
        var networks: [String: EndpointSettings]
        enum CodingKeys: String, CodingKey { case networks = "Networks" }
    }

    struct EndpointSettings: Encodable {
        var networkID: String
        enum CodingKeys: String, CodingKey { case networkID = "NetworkID" }
    }

    struct Port: Encodable {}

    var id: String
    var names: [String]
    var image: String
    var imageID: String
    var command: String
    /// Seconds since 1970.
    var created: Int64
    var ports: [Port] = []
    var labels: [String: String]
    var state: String
    var status: String
    var hostConfiguration: HostConfiguration
    var networkSettings = NetworkSettings(networks: [:])
    var mounts: [EngineMountPoint]

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case names = "Names"
        case image = "Image"
        case imageID = "ImageID"
        case command = "Command"
        case created = "Created"
        case ports = "Ports"
        case labels = "Labels"
        case state = "State"
        case status = "Status"
        case hostConfiguration = "HostConfig"
        case networkSettings = "NetworkSettings"
        case mounts = "Mounts"
    }

    init(_ record: ContainerRecord, now: Timestamp) {
        id = record.id
        names = ["/" + record.name]
        image = record.specification.spec.image
        imageID = record.image.description
        command = record.arguments.joined(separator: " ")
        created = record.createdAt.seconds
        labels = record.specification.labels
        state = record.engineState
        status = record.engineStatus(now: now)
        hostConfiguration = HostConfiguration(
            networkMode: record.specification.network.namespacePath == nil ? "host" : "default")
        mounts = (record.specification.spec.mounts ?? []).map(EngineMountPoint.init)
    }
}

/// A mount as containers show it.
struct EngineMountPoint: Encodable {
    var type: String
    var source: String
    var destination: String
    var mode = ""
    var isWritable: Bool
    var propagation: String

    enum CodingKeys: String, CodingKey {
        case type = "Type"
        case source = "Source"
        case destination = "Destination"
        case mode = "Mode"
        case isWritable = "RW"
        case propagation = "Propagation"
    }

    init(_ mount: Model.Mount) {
        type = (mount.type ?? .bind).rawValue
        source = mount.source ?? ""
        destination = mount.target
        isWritable = !(mount.readOnly ?? false)
        propagation = mount.type == .tmpfs ? "" : "rprivate"
    }
}

extension ContainerRecord {
    /// `created`, `running` or `exited`.
    var engineState: String { state == .starting ? "created" : state.rawValue }

    /// As Docker tells people: `Up 3 minutes`, `Exited (0) 5 seconds ago`, `Created`.
    func engineStatus(now: Timestamp) -> String {
        switch state {
        case .created, .starting: "Created"
        case .running: "Up " + HumanDuration.text(seconds: (now - (startedAt ?? createdAt)).components.seconds)
        case .exited:
            "Exited (\(exit?.code ?? 0)) "
                + HumanDuration.text(seconds: (now - (exit?.at ?? createdAt)).components.seconds) + " ago"
        }
    }
}

/// A span of time in one unit, as Docker's tables say it.
enum HumanDuration {
    static func text(seconds: Int64) -> String {
        switch seconds {
        case ..<1: "Less than a second"
        case 1: "1 second"
        case ..<60: "\(seconds) seconds"
        case ..<120: "About a minute"
        case ..<3_600: "\(seconds / 60) minutes"
        case ..<5_400: "About an hour"
        case ..<172_800: "\((seconds + 1_800) / 3_600) hours"
        case ..<1_209_600: "\(seconds / 86_400) days"
        case ..<5_184_000: "\(seconds / 604_800) weeks"
        case ..<63_072_000: "\(seconds / 2_592_000) months"
        default: "\(seconds / 31_536_000) years"
        }
    }
}
