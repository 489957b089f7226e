/// Authentication by a key that both ends hold (see `Handshake`): the node's own, or for joining the secret of a join token.
public struct SharedKeyAuthentication: ChannelAuthentication {
    /// Gives the key of the one who claims to be this; nil where there is none.
    public typealias KeyLookup = @Sendable (_ claimed: PeerIdentity, _ purpose: ChannelPurpose) async -> [UInt8]?

    private let identity: @Sendable () -> PeerIdentity
    private let ownKey: @Sendable (ChannelPurpose) -> [UInt8]?
    private let lookup: KeyLookup

    /// - Parameters:
    ///   - identity: who this node is, at the time of a connection. One that joins has the role of its token.
    ///   - ownKey: the key with which this node connects; without one it cannot.
    ///   - lookup: the key of a node that connects.
    public init(
        identity: @escaping @Sendable () -> PeerIdentity,
        ownKey: @escaping @Sendable (ChannelPurpose) -> [UInt8]?,
        lookup: @escaping KeyLookup = { _, _ in nil }
    ) {
        self.identity = identity
        self.ownKey = ownKey
        self.lookup = lookup
    }

    /// The side that connected; throws `ChannelError` where the other end does not prove the key.
    public nonisolated(nonsending) func initiate(
        _ stream: any ByteStream, purpose: ChannelPurpose, expecting nodeID: String?
    ) async throws -> AuthenticatedStream {
        guard let key = ownKey(purpose) else { throw ChannelError.notAuthentic }
        return try await run(
            Handshake(
                client: identity(), purpose: purpose, key: key, nonce: randomBytes(Handshake.nonceLength),
                expecting: nodeID), on: stream)
    }

    /// The side that was connected to; throws `ChannelError` where the other end does not prove the key.
    public nonisolated(nonsending) func accept(_ stream: any ByteStream) async throws -> AuthenticatedStream {
        try await run(Handshake(server: identity(), nonce: randomBytes(Handshake.nonceLength)), on: stream)
    }

    private nonisolated(nonsending) func run(
        _ start: Handshake, on stream: any ByteStream
    ) async throws -> AuthenticatedStream {
        var handshake = start
        var actions = handshake.handle(.start)
        while true {
            var index = 0
            while index < actions.count {
                switch actions[index] {
                case .send(let bytes): try await stream.write(bytes)
                case .lookUpKey(let claimed, let purpose):
                    let key = await lookup(claimed, purpose)
                    actions += handshake.handle(.key(key))
                case .fail(let error): throw error
                case .done(let outcome):
                    return AuthenticatedStream(
                        stream: outcome.leftover.isEmpty ? stream : ResumedStream(outcome.leftover, then: stream),
                        peer: outcome.peer, purpose: outcome.purpose, minor: outcome.minor,
                        sessionKey: outcome.sessionKey)
                }
                index += 1
            }
            let bytes = try await stream.read(upTo: 4096)
            if bytes.isEmpty { throw ChannelError.truncated }
            actions = handshake.handle(.received(bytes))
        }
    }
}
