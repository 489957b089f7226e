/// Why a TLS connection could not be made or kept.
public enum TLSError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The other end's certificate is not to be trusted, and why.
    case untrusted(String)
    /// The other end ended it, with this alert (RFC 8446, 6.2).
    case refused(String)
    /// Not TLS 1.3, or damaged on the way: what OpenSSL says of it.
    case malformed(String)
    /// The connection ended without saying so: what was read may not be all.
    case truncated
    /// The handshake took too long.
    case timedOut
    /// More bytes than any handshake has.
    case handshakeTooLong
    /// This side has ended.
    case ended

    public var description: String {
        switch self {
        case .untrusted(let reason):
            "tls: the other end's certificate is not to be trusted: \(reason)\(Self.clock(reason))"
        case .refused(let alert): "tls: refused by the other end: \(alert)\(Self.clock(alert))"
        case .malformed(let reason): "tls: \(reason)"
        case .truncated: "tls: the connection ended without a close_notify"
        case .timedOut: "tls: the handshake took too long"
        case .handshakeTooLong: "tls: the handshake has too many bytes"
        case .ended: "tls: this side of the connection has ended"
        }
    }

    /// Where it is about time, what this host takes for it: a clock may be wrong.
    private static func clock(_ words: String) -> String {
        words.contains("expired") || words.contains("not yet valid")
            ? " (this host's clock says \(WallClock.now()))" : ""
    }
}
