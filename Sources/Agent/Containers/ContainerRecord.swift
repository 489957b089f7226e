public import Platform

/// A container of this node as it is persisted.
public struct ContainerRecord: Codable, Sendable, Identifiable {
    /// As Docker's clients know it.
    public enum State: String, Codable, Sendable {
        /// Its root file system is mounted, nothing runs.
        case created
        /// Its monitor is being started: what came of it is not known yet.
        case starting
        case running
        case exited
    }

    public var specification: ContainerSpecification
    public var image: ContentDigest
    public var state: State
    /// The arguments of its first process, entrypoint included.
    public var arguments: [String]
    public var stopSignal: Int32
    public var createdAt: Timestamp
    public var startedAt: Timestamp?
    public var exit: ContainerExit?
    public var process: ProcessIdentity?
    public var monitor: ProcessIdentity?

    public var id: String { specification.id }
    public var name: String { specification.name }
}

/// How a container ended.
public struct ContainerExit: Codable, Sendable, Equatable {
    /// The exit code of its first process; 128 + N after signal N.
    public var code: Int32
    /// Whether the kernel killed one of its processes for want of memory.
    public var wasOutOfMemory: Bool
    public var at: Timestamp
    /// Why the code is not its own, if so.
    public var error: String?
}
