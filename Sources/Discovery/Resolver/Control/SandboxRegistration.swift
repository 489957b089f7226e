/// A sandbox whose names are to be resolved.
public struct SandboxRegistration: Codable, Sendable, Equatable {
    public var id: String
    /// Where the sandbox's network namespace is mounted.
    public var namespacePath: String
    /// Identifiers of the networks it is on; where two know a name, the earlier one answers.
    public var networkIDs: [String]

    public init(id: String, namespacePath: String, networkIDs: [String]) {
        self.id = id
        self.namespacePath = namespacePath
        self.networkIDs = networkIDs
    }
}

/// Where in the sandbox 127.0.0.11 answers: port 53 is to be redirected there.
public struct ResolverPorts: Codable, Sendable, Hashable {
    public var udp: UInt16
    public var tcp: UInt16

    public init(udp: UInt16, tcp: UInt16) {
        self.udp = udp
        self.tcp = tcp
    }
}

/// A sandbox that the resolver serves.
public struct SandboxStatus: Codable, Sendable, Equatable {
    public var registration: SandboxRegistration
    public var ports: ResolverPorts

    public init(registration: SandboxRegistration, ports: ResolverPorts) {
        self.registration = registration
        self.ports = ports
    }
}

/// What the resolver says of itself; counts since it started.
public struct ResolverStatus: Codable, Sendable, Equatable {
    public var pid: Int32
    /// The revision of the names it answers from.
    public var revision: UInt64
    public var sandboxes: Int
    /// Answered from the names here.
    public var answered: UInt64 = 0
    public var forwarded: UInt64 = 0
    /// Given up because too many were under way.
    public var overloaded: UInt64 = 0

    public init(pid: Int32, revision: UInt64, sandboxes: Int) {
        self.pid = pid
        self.revision = revision
        self.sandboxes = sandboxes
    }
}
