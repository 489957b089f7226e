/// What the daemon is (`GET /version`).
public struct EngineVersion: Codable, Sendable, Equatable {
    public var platform: PlatformName
    public var version: String
    public var apiVersion: String
    public var minAPIVersion: String
    public var gitCommit: String
    public var goVersion = ""
    public var os: String
    public var arch: String
    public var kernelVersion: String
    public var buildTime = ""
    public var components: [Component]

    public init(version: String, gitCommit: String, architecture: String, kernelVersion: String) {
        platform = PlatformName(name: "Martlet")
        self.version = version
        apiVersion = EngineAPI.newest
        minAPIVersion = EngineAPI.oldest
        self.gitCommit = gitCommit
        os = "linux"
        arch = architecture
        self.kernelVersion = kernelVersion
        components = [Component(name: "clusterd", version: version, details: ["ApiVersion": EngineAPI.newest])]
    }

    enum CodingKeys: String, CodingKey {
        case platform = "Platform"
        case version = "Version"
        case apiVersion = "ApiVersion"
        case minAPIVersion = "MinAPIVersion"
        case gitCommit = "GitCommit"
        case goVersion = "GoVersion"
        case os = "Os"
        case arch = "Arch"
        case kernelVersion = "KernelVersion"
        case buildTime = "BuildTime"
        case components = "Components"
    }

    /// What the daemon calls itself.
    public struct PlatformName: Codable, Sendable, Equatable {
        public var name: String

        public init(name: String) { self.name = name }

        enum CodingKeys: String, CodingKey { case name = "Name" }
    }

    /// One of the programs that make up the engine.
    public struct Component: Codable, Sendable, Equatable {
        public var name: String
        public var version: String
        public var details: [String: String]

        public init(name: String, version: String, details: [String: String]) {
            self.name = name
            self.version = version
            self.details = details
        }

        enum CodingKeys: String, CodingKey {
            case name = "Name"
            case version = "Version"
            case details = "Details"
        }
    }
}

/// The versions of the Engine API that are spoken.
public enum EngineAPI {
    /// What is offered in `Api-Version`.
    public static let newest = "1.47"
    public static let oldest = "1.24"
    /// What `clusterd --version` says.
    public static let product = "0.1.0"
}
