/// What a connection between nodes is for.
public enum ChannelPurpose: UInt8, Sendable, Hashable, CaseIterable {
    /// Messages between members of the raft group; framed.
    case raft = 1
    /// An agent's session with a manager; framed.
    case dispatch = 2
    /// Requests of the control API, forwarded to another manager; HTTP on the raw stream.
    case api = 3
    /// A node that asks to be taken in and shows a join token; framed.
    case join = 4
    /// A node that asks for a certificate to follow its own; framed.
    case renew = 5

    /// False: the stream is used as it is.
    public var isFramed: Bool { self != .api }

    /// Who may connect for it, by what the certificate says. Only managers are connected to.
    public func admits(_ role: PeerIdentity.Role) -> Bool {
        switch self {
        case .raft, .api: role == .manager
        case .dispatch, .renew: role == .manager || role == .worker
        case .join: role == .stranger
        }
    }

    /// The longest payload of a frame: who is not known yet gets little room.
    var payloadLimit: Int { self == .join || self == .renew ? 256 << 10 : Frame.payloadLimit }
}
