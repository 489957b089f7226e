public import Model

/// A port of the node itself that a task takes (publish mode `host`).
public struct HostPort: Sendable, Hashable {
    public var transport: TransportProtocol
    public var port: UInt32

    public init(transport: TransportProtocol, port: UInt32) {
        self.transport = transport
        self.port = port
    }

    /// Those of `ports` that name a port of the node; a port that the node is to choose conflicts with none.
    public static func all(in ports: [PortConfig]?) -> [HostPort] {
        (ports ?? []).compactMap { config in
            guard config.publishMode == .host, let port = config.publishedPort, port != 0 else { return nil }
            return HostPort(transport: config.transport ?? .tcp, port: port)
        }
    }
}
