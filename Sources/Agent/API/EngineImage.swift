import Model
import Platform

/// An image as `GET /images/json` lists it (Engine API `ImageSummary`).
struct EngineImageSummary: Encodable {
    var id: String
    var parentID = ""
    var tags: [String]
    var digests: [String] = []
    /// Seconds since 1970.
    var created: Int64
    var size: Int64
    var virtualSize: Int64
    var sharedSize = -1
    var labels: [String: String]?
    var containers = -1

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case parentID = "ParentId"
        case tags = "RepoTags"
        case digests = "RepoDigests"
        case created = "Created"
        case size = "Size"
        case virtualSize = "VirtualSize"
        case sharedSize = "SharedSize"
        case labels = "Labels"
        case containers = "Containers"
    }

    init(_ image: Image) {
        id = image.id.description
        tags = image.tags
        created = image.createdAt.seconds
        size = image.size
        virtualSize = image.size
        labels = image.configuration.execution?.labels
    }
}

/// An image as `GET /images/{name}/json` shows it (Engine API `ImageInspect`).
struct EngineImageDetails: Encodable {
    struct RootFileSystem: Encodable {
        var type = "layers"
        var layers: [String]

        enum CodingKeys: String, CodingKey {
            case type = "Type"
            case layers = "Layers"
        }
    }

    var id: String
    var tags: [String]
    var digests: [String] = []
    var parent = ""
    var comment: String
    var created: Timestamp
    var author: String
    var configuration: ImageConfiguration.Execution
    var architecture: String
    var os: String
    var size: Int64
    var virtualSize: Int64
    var rootFileSystem: RootFileSystem

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case tags = "RepoTags"
        case digests = "RepoDigests"
        case parent = "Parent"
        case comment = "Comment"
        case created = "Created"
        case author = "Author"
        case configuration = "Config"
        case architecture = "Architecture"
        case os = "Os"
        case size = "Size"
        case virtualSize = "VirtualSize"
        case rootFileSystem = "RootFS"
    }

    init(_ image: Image) {
        id = image.id.description
        tags = image.tags
        comment = image.configuration.history?.last?.comment ?? ""
        created = image.createdAt
        author = image.configuration.author ?? ""
        configuration = image.configuration.execution ?? .init()
        architecture = image.configuration.architecture
        os = image.configuration.os
        size = image.size
        virtualSize = image.size
        rootFileSystem = RootFileSystem(layers: image.layers.map(\.description))
    }
}

extension Image {
    /// When it was built, as it says itself; else when it came here.
    var createdAt: Timestamp { configuration.created.flatMap { Timestamp($0) } ?? loadedAt }
}
