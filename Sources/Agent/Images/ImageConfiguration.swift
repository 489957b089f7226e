/// An image's configuration: what its containers run by default and which layers make its root file system.
///
/// Source: OCI image spec, config.md. The exact bytes live in the content store: their digest is the image's id.
public struct ImageConfiguration: Codable, Sendable {
    /// What a container of the image runs unless its user says otherwise (OCI image spec, `config`).
    public struct Execution: Codable, Sendable {
        /// `{}`, by which JSON writes the members of a set.
        public struct Nothing: Codable, Sendable {
            public init() {}
        }
        public var user: String?
        public var exposedPorts: [String: Nothing]?
        /// "NAME=value" strings.
        public var environment: [String]?
        public var entrypoint: [String]?
        public var command: [String]?
        public var volumes: [String: Nothing]?
        public var workingDirectory: String?
        public var labels: [String: String]?
        public var stopSignal: String?

        public init() {}

        enum CodingKeys: String, CodingKey {
            case user = "User"
            case exposedPorts = "ExposedPorts"
            case environment = "Env"
            case entrypoint = "Entrypoint"
            case command = "Cmd"
            case volumes = "Volumes"
            case workingDirectory = "WorkingDir"
            case labels = "Labels"
            case stopSignal = "StopSignal"
        }
    }

    /// The layers by the digests of their unpacked tars, lowest first (OCI image spec, `rootfs`).
    public struct RootFileSystem: Codable, Sendable {
        public var type: String
        /// Digests of the uncompressed layers, lowest first.
        public var diffIDs: [ContentDigest]

        enum CodingKeys: String, CodingKey {
            case type
            case diffIDs = "diff_ids"
        }
    }

    /// How one layer came to be (OCI image spec, `history`).
    public struct History: Codable, Sendable {
        public var created: String?
        public var createdBy: String?
        public var comment: String?
        public var emptyLayer: Bool?

        enum CodingKeys: String, CodingKey {
            case created, comment
            case createdBy = "created_by"
            case emptyLayer = "empty_layer"
        }
    }

    public var created: String?
    public var author: String?
    public var architecture: String
    public var variant: String?
    public var os: String
    /// What a container of this image runs; absent in an image of a bare root file system.
    public var execution: Execution?
    public var rootFileSystem: RootFileSystem
    public var history: [History]?

    enum CodingKeys: String, CodingKey {
        case created, author, architecture, variant, os, history
        case execution = "config"
        case rootFileSystem = "rootfs"
    }
}
