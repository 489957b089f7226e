/// Authentication by certificates of the cluster's root, both ways, in TLS 1.3: who a node is and what it may do is what its
/// certificate says.
public struct CertificateAuthentication: ChannelAuthentication {
    /// Says why a node whose certificate is good may not connect for this after all; nil where it may.
    public typealias Objection = @Sendable (_ peer: PeerIdentity, _ purpose: ChannelPurpose) async -> String?

    private let credentials: CurrentCredentials
    private let objection: Objection

    /// - Parameter objection: asked for each node that connects; nobody may connect to one that only objects.
    public init(
        _ credentials: CurrentCredentials,
        objection: @escaping Objection = { _, _ in "this node serves no other" }
    ) {
        self.credentials = credentials
        self.objection = objection
    }

    /// The side that connected: a manager of the same cluster must answer.
    public nonisolated(nonsending) func initiate(
        _ stream: any ByteStream, purpose: ChannelPurpose, expecting nodeID: String?
    ) async throws -> AuthenticatedStream {
        let cluster = credentials.value.node.clusterID
        return try await ChannelClient.greet(
            stream, credentials.client, purpose: purpose, expecting: nodeID, of: cluster)
    }

    /// The side that was connected to.
    public nonisolated(nonsending) func accept(_ stream: any ByteStream) async throws -> AuthenticatedStream {
        let cluster = credentials.value.node.clusterID
        let secured = try await TLSStream.handshake(over: stream, TLSSession(credentials.server))
        let greeting = try await secured.read(exactly: Greeting.clientLength)
        do {
            let (purpose, minor) = try Greeting.readClient(greeting)
            let peer = try Self.peer(secured, of: cluster)
            guard purpose.admits(peer.role) else {
                throw ChannelError.refused("\(peer) may not connect for \(purpose)")
            }
            if let reason = await objection(peer, purpose) { throw ChannelError.refused(reason) }
            try await secured.write(Greeting.server(refusing: nil))
            return AuthenticatedStream(
                stream: secured, peer: peer, purpose: purpose, minor: minor, certificate: secured.peer)
        } catch let error as ChannelError {
            let reason = if case .refused(let reason) = error { reason } else { "\(error)" }
            try await secured.write(Greeting.server(refusing: reason))
            try await secured.shutdownWrite()
            throw error
        }
    }

    private static func peer(_ stream: TLSStream, of cluster: String) throws(ChannelError) -> PeerIdentity {
        guard let certificate = stream.peer else { return .stranger }
        guard let node = certificate.node, node.clusterID == cluster else { throw .notAuthentic }
        return node
    }
}

/// Connects without a certificate, to a manager whose root is known by its digest alone: to join.
public struct StrangerAuthentication: ChannelAuthentication {
    private let context: TLSContext

    /// - Parameter isRoot: whether this is the SHA-256 of the root's DER.
    public init(trusting isRoot: @escaping @Sendable (_ digest: [UInt8]) -> Bool) {
        context = .stranger(trusting: isRoot)
    }

    /// The side that connected: a manager under the pinned root must answer, of whatever cluster.
    public nonisolated(nonsending) func initiate(
        _ stream: any ByteStream, purpose: ChannelPurpose, expecting nodeID: String?
    ) async throws -> AuthenticatedStream {
        try await ChannelClient.greet(stream, context, purpose: purpose, expecting: nodeID, of: nil)
    }

    /// Nobody connects to a stranger.
    public nonisolated(nonsending) func accept(_ stream: any ByteStream) async throws -> AuthenticatedStream {
        throw ChannelError.notAuthentic
    }
}

/// The connecting end, with or without a certificate.
private enum ChannelClient {
    static nonisolated(nonsending) func greet(
        _ stream: any ByteStream, _ context: TLSContext, purpose: ChannelPurpose, expecting nodeID: String?,
        of cluster: String?
    ) async throws -> AuthenticatedStream {
        let secured = try await TLSStream.handshake(over: stream, TLSSession(context))
        guard let peer = secured.peer?.node, peer.role == .manager else { throw ChannelError.notAuthentic }
        if let nodeID, nodeID != peer.nodeID {
            throw ChannelError.wrongPeer(expected: "node \(nodeID)", found: "\(peer)")
        }
        if let cluster, cluster != peer.clusterID {
            throw ChannelError.wrongPeer(expected: "cluster \(cluster)", found: "\(peer)")
        }
        try await secured.write(Greeting.client(purpose))
        let answer = try Greeting.readServer(try await secured.read(exactly: Greeting.serverLength))
        let reason = answer.reasonLength == 0 ? [] : try await secured.read(exactly: answer.reasonLength)
        guard !answer.isRefused else {
            throw ChannelError.refused(Terminal.harmless(String(decoding: reason, as: UTF8.self)))
        }
        return AuthenticatedStream(
            stream: secured, peer: peer, purpose: purpose, minor: answer.minor, certificate: secured.peer)
    }
}

extension TLSStream {
    /// Throws `ChannelError.truncated` where there are fewer.
    fileprivate nonisolated(nonsending) func read(exactly count: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let more = try await read(upTo: count - bytes.count)
            if more.isEmpty { throw ChannelError.truncated }
            bytes += more
        }
        return bytes
    }
}
