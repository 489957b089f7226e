public import Platform

/// Who is on the other end of a connection, as far as whoever accepted it knows.
public struct HTTPPeer: Sendable, Hashable {
    /// How a connection came in.
    public enum Entrance: Sendable, Hashable {
        /// A unix socket, from a process of this user.
        case local(user: UInt32?)
        /// TLS; the certificate that the client has proved to hold, nil for none.
        case secured(Certificate?)
        /// TCP, as anybody can.
        case open
    }

    /// Where the connection comes from; nil on a unix socket without a name, or a channel.
    public var address: SocketAddress?
    /// Nil on a cluster channel.
    public var entrance: Entrance?
    /// The node that proved itself on a cluster channel.
    public var nodeID: String?
    /// The role that the node proved.
    public var role: String?

    public init(
        address: SocketAddress? = nil, entrance: Entrance? = nil, nodeID: String? = nil, role: String? = nil
    ) {
        self.address = address
        self.entrance = entrance
        self.nodeID = nodeID
        self.role = role
    }
}
