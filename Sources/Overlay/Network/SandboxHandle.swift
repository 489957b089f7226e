public import Platform

/// What a container needs to know of its sandbox.
public struct SandboxHandle: Sendable, Equatable {
    public let taskID: String
    /// The namespace's file: for the OCI runtime's configuration, and for the resolver to open its sockets in.
    public let path: String
    /// The task's address with prefix length on each network, by network id.
    public let addresses: [String: IPv4Prefix]
    /// The task's own address on the node's gateway bridge; nil where all its networks are internal.
    public let gatewayAddress: IPv4Address?
    /// The gateway bridge's address: the sandbox's default route, and the host as the sandbox sees it.
    public let gateway: IPv4Address?
}
