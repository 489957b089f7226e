/// What a connection between nodes is for.
public enum ChannelPurpose: UInt8, Sendable, Hashable, CaseIterable {
    /// Messages between members of the raft group; framed.
    case raft = 1
    /// An agent's session with a manager; framed.
    case dispatch = 2
    /// Requests of the control API, forwarded to another manager; HTTP on the raw stream.
    case api = 3
    /// A node that asks to be taken in, authenticated by a join token; framed.
    case join = 4

    /// False: the stream is used as it is.
    public var isFramed: Bool { self != .api }
}
