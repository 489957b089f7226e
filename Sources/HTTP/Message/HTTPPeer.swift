public import Platform

/// Who is on the other end of a connection, as far as whoever accepted it knows.
public struct HTTPPeer: Sendable, Hashable {
    /// Where the connection comes from; nil on a unix socket without a name, or a channel.
    public var address: SocketAddress?
    /// The node that proved itself on a cluster channel.
    public var nodeID: String?
    /// The role that the node proved.
    public var role: String?

    public init(address: SocketAddress? = nil, nodeID: String? = nil, role: String? = nil) {
        self.address = address
        self.nodeID = nodeID
        self.role = role
    }
}
