/// Why a connection between nodes could not be made or kept.
public enum ChannelError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The other end does not speak this protocol at all.
    case notMartlet
    /// The other end speaks another major version.
    case version(major: UInt16)
    /// A message that breaks the rules; which one.
    case malformed(String)
    /// The other end said no, and why.
    case refused(String)
    /// The other end's certificate is of no node of this cluster, or of one that may not do this.
    case notAuthentic
    /// Somebody else answers at that address.
    case wrongPeer(expected: String, found: String)
    /// The handshake took too long.
    case timedOut
    /// A frame longer than the limit.
    case frameTooLong(Int)
    /// The connection ended in the middle of a message.
    case truncated

    public var description: String {
        switch self {
        case .notMartlet: "channel: the other end does not speak Martlet's protocol"
        case .version(let major): "channel: the other end speaks version \(major), not \(Greeting.major)"
        case .malformed(let what): "channel: malformed \(what)"
        case .refused(let reason): "channel: refused: \(reason)"
        case .notAuthentic: "channel: not authentic: the certificate of the other end is not one for this"
        case .wrongPeer(let expected, let found): "channel: expected \(expected), found \(found)"
        case .timedOut: "channel: handshake timed out"
        case .frameTooLong(let length): "channel: a frame of \(length) bytes is too long"
        case .truncated: "channel: ended in the middle of a message"
        }
    }
}
