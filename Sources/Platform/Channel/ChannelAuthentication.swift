/// A connection whose other end is known.
public struct AuthenticatedStream: Sendable {
    public let stream: any ByteStream
    public let peer: PeerIdentity
    public let purpose: ChannelPurpose
    /// The minor version of the protocol that both ends speak.
    public let minor: UInt16
    /// What the other end proved itself with; nil for a stranger.
    public let certificate: Certificate?

    public init(
        stream: any ByteStream, peer: PeerIdentity, purpose: ChannelPurpose, minor: UInt16,
        certificate: Certificate? = nil
    ) {
        self.stream = stream
        self.peer = peer
        self.purpose = purpose
        self.minor = minor
        self.certificate = certificate
    }
}

/// How two nodes come to know who is at the other end of a fresh connection: the one place that knows of certificates.
public protocol ChannelAuthentication: Sendable {
    /// The end that connects. `expecting` is the node id that must answer; nil for any.
    nonisolated(nonsending) func initiate(
        _ stream: any ByteStream, purpose: ChannelPurpose, expecting nodeID: String?
    ) async throws -> AuthenticatedStream

    /// The end that was connected to.
    nonisolated(nonsending) func accept(_ stream: any ByteStream) async throws -> AuthenticatedStream
}
