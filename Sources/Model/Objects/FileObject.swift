public import Platform

/// A secret or a config: data under a name, which tasks get as a file. The data never changes; another value is another object.
public protocol FileObject: ClusterObject {
    /// What users call it, and the API's path in the plural: `secret`, `config`.
    static var kind: String { get }

    var spec: FileSpec { get set }

    init(id: String, createdAt: Timestamp, spec: FileSpec)

    /// As the API shows it.
    var shown: Self { get }
}

extension FileObject {
    public var name: String? { spec.name }
}

/// Bounds of secrets and configs, as SwarmKit sets them.
public enum FileLimits {
    /// Bytes; the data of one is shorter.
    public static let dataBytes = 500 << 10
    public static let nameBytes = 64
    /// Secrets and configs of one service.
    public static let references = 256
}

/// What users say of a secret or a config (Engine API `SecretSpec`, `ConfigSpec`).
public struct FileSpec: Codable, Sendable, Equatable {
    public var name: String
    public var labels: [String: String]?
    public var data: Base64Bytes?

    public init(name: String, labels: [String: String]? = nil, data: [UInt8]? = nil) {
        self.name = name
        self.labels = labels
        self.data = data.map(Base64Bytes.init)
    }

    enum CodingKeys: String, CodingKey {
        case name = "Name"
        case labels = "Labels"
        case data = "Data"
    }
}

/// A secret (Engine API `Secret`): nobody but the tasks that use it gets its data.
public struct Secret: FileObject {
    public static let table = "secret"
    public static let kind = "secret"

    public var id: String
    public var version = ObjectVersion()
    public var createdAt: Timestamp
    public var updatedAt: Timestamp
    public var spec: FileSpec

    public init(id: String, createdAt: Timestamp, spec: FileSpec) {
        self.id = id
        self.createdAt = createdAt
        self.updatedAt = createdAt
        self.spec = spec
    }

    /// Without its data.
    public var shown: Secret {
        var shown = self
        shown.spec.data = nil
        return shown
    }

    enum CodingKeys: String, CodingKey {
        case id = "ID"
        case version = "Version"
        case createdAt = "CreatedAt"
        case updatedAt = "UpdatedAt"
        case spec = "Spec"
    }
}

/// A config (Engine API `Config`): its data is for whoever may ask the API.
public struct Config: FileObject {
    public static let table = "config"
    public static let kind = "config"

    public var id: String
    public var version = ObjectVersion()
    public var createdAt: Timestamp
    public var updatedAt: Timestamp
    public var spec: FileSpec

    public init(id: String, createdAt: Timestamp, spec: FileSpec) {
        self.id = id
        self.createdAt = createdAt
        self.updatedAt = createdAt
        self.spec = spec
    }

    public var shown: Config { self }

    enum CodingKeys: String, CodingKey {
        case id = "ID"
        case version = "Version"
        case createdAt = "CreatedAt"
        case updatedAt = "UpdatedAt"
        case spec = "Spec"
    }
}
