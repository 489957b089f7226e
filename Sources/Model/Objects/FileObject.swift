public import Platform

/// A secret or a config (Engine API `Secret`, `Config`): data under a name, which tasks get as a file. The data never changes;
/// another value is another object.
public struct FileObject<Kind: FileObjectKind>: ClusterObject {
    public static var table: String { kind }
    /// What users call it, and the API's path in the plural: `secret`, `config`.
    public static var kind: String { Kind.kind.rawValue }

    public var id: String
    public var version = ObjectVersion()
    public var createdAt: Timestamp
    public var updatedAt: Timestamp
    public var spec: FileSpec

    public var name: String? { spec.name }

    public init(id: String, createdAt: Timestamp, spec: FileSpec) {
        self.id = id
        self.createdAt = createdAt
        self.updatedAt = createdAt
        self.spec = spec
    }

    /// As the API shows it.
    public var shown: FileObject {
        guard Kind.hidesData else { return self }
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

/// Nobody but the tasks that use it gets its data.
public typealias Secret = FileObject<SecretKind>
/// Its data is for whoever may ask the API.
public typealias Config = FileObject<ConfigKind>

/// What secrets and configs differ in.
public protocol FileObjectKind: Sendable {
    static var kind: AccessPolicy.Kind { get }
    /// Whether the API keeps the data to itself.
    static var hidesData: Bool { get }
}

/// What makes a file a secret.
public enum SecretKind: FileObjectKind {
    public static let kind = AccessPolicy.Kind.secret
    public static let hidesData = true
}

/// What makes a file a config.
public enum ConfigKind: FileObjectKind {
    public static let kind = AccessPolicy.Kind.config
    public static let hidesData = false
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
