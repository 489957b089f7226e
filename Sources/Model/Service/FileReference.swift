/// A secret or a config that a task gets as a file (Engine API `SecretReference`, `ConfigReference`).
public struct FileReference: Codable, Sendable, Equatable {
    public var file: File?
    public var secretID: String?
    public var secretName: String?
    public var configID: String?
    public var configName: String?

    public init(secretID: String?, secretName: String?, file: File?) {
        self.secretID = secretID
        self.secretName = secretName
        self.file = file
    }

    public init(configID: String?, configName: String?, file: File?) {
        self.configID = configID
        self.configName = configName
        self.file = file
    }

    /// The secret's or config's id.
    public var id: String? { secretID ?? configID }
    public var name: String? { secretName ?? configName }

    enum CodingKeys: String, CodingKey {
        case file = "File"
        case secretID = "SecretID"
        case secretName = "SecretName"
        case configID = "ConfigID"
        case configName = "ConfigName"
    }

    /// The file in the container.
    public struct File: Codable, Sendable, Equatable {
        /// A path; one that is not absolute begins in `/run/secrets` for a secret, in `/` for a config.
        public var name: String
        /// Numbers, as text; none means 0.
        public var uid: String?
        public var gid: String?
        /// Permission bits; none means 0444.
        public var mode: UInt32?

        public init(name: String, uid: String? = nil, gid: String? = nil, mode: UInt32? = nil) {
            self.name = name
            self.uid = uid
            self.gid = gid
            self.mode = mode
        }

        enum CodingKeys: String, CodingKey {
            case name = "Name"
            case uid = "UID"
            case gid = "GID"
            case mode = "Mode"
        }
    }

    /// Where the file is in the container; nil without one.
    public var path: String? {
        guard let name = file?.name else { return nil }
        if name.hasPrefix("/") { return name }
        return (secretID != nil || secretName != nil ? "/run/secrets/" : "/") + name
    }
}

extension ContainerSpec {
    /// Its secrets, then its configs.
    public var files: [FileReference] { (secrets ?? []) + (configs ?? []) }
}
