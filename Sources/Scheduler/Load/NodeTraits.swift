public import Model

/// What placement asks of a node apart from its load.
public struct NodeTraits: Sendable, Equatable {
    public var id: String
    public var hostname: String
    public var role: NodeRole
    public var platform: NodeDescription.Platform
    public var labels: [String: String]
    public var engineLabels: [String: String]
    /// Ready, and neither paused nor drained.
    public var takesTasks: Bool

    public init(
        id: String, hostname: String, role: NodeRole = .worker,
        platform: NodeDescription.Platform = NodeDescription.Platform(architecture: nil, os: nil),
        labels: [String: String] = [:], engineLabels: [String: String] = [:], takesTasks: Bool = true
    ) {
        self.id = id
        self.hostname = hostname
        self.role = role
        self.platform = platform
        self.labels = labels
        self.engineLabels = engineLabels
        self.takesTasks = takesTasks
    }

    public init(_ node: Node) {
        self.init(
            id: node.id, hostname: node.description.hostname, role: node.spec.role,
            platform: node.description.platform, labels: node.spec.labels ?? [:],
            engineLabels: node.description.engine.labels ?? [:],
            takesTasks: node.status.state == .ready && node.spec.availability == .active)
    }

    /// Whether an image made for one of `platforms` runs here. No platforms, or a field not given, means any.
    public func supports(_ platforms: [NodeDescription.Platform]?) -> Bool {
        guard let platforms, !platforms.isEmpty else { return true }
        let architecture = normalizedArchitecture(platform.architecture ?? "")
        let system = folded(platform.os ?? "")
        return platforms.contains { wanted in
            let wantedArchitecture = normalizedArchitecture(wanted.architecture ?? "")
            let wantedSystem = folded(wanted.os ?? "")
            return (wantedArchitecture.isEmpty || wantedArchitecture == architecture)
                && (wantedSystem.isEmpty || wantedSystem == system)
        }
    }
}
