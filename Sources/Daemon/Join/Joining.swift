import FoundationEssentials
import HTTP
import Model
import Platform

/// The joining node's end of a join: finds a manager under the root that its token names, shows it the token, and becomes what
/// the certificate that it gets says.
struct Joining: Sendable {
    private let token: JoinToken
    private let remotes: [String]
    private let request: JoinRequest
    private let key: PrivateKey
    private let loop: EventLoop

    enum Limits {
        static let connect: Duration = .seconds(5)
        /// For a manager's answer.
        static let answer: Duration = .seconds(20)
        /// For the word that this node counts, which waits for other changes of the managers.
        static let confirmation: Duration = .seconds(45)
        /// A join may be sent on to the leader this often.
        static let redirects = 4
        static let remotes = 32
    }

    /// - Throws: `HTTPError` 400 for a token or an address that does not parse.
    init(_ wish: SwarmJoinRequest, _ configuration: DaemonConfiguration, loop: EventLoop) throws {
        guard let token = JoinToken(wish.joinToken) else {
            throw HTTPError(
                .badRequest, "invalid join token: copy it whole from \"clusterctl manager token worker\" on a manager")
        }
        guard !wish.remoteAddresses.isEmpty, wish.remoteAddresses.count <= Limits.remotes else {
            throw HTTPError(.badRequest, "give the address of a manager to join: HOST:2377")
        }
        self.token = token
        remotes = wish.remoteAddresses.map { $0.contains(":") ? $0 : $0 + ":2377" }
        let addresses = try NodeAddresses(
            configuration: configuration, advertise: wish.advertiseAddress, dataPath: wish.dataPathAddress,
            dataPathPort: nil, towards: SocketAddress.parse(remotes[0]))
        key = PrivateKey.generate()
        request = JoinRequest(
            token: token.description, certificateRequest: Data(CertificateRequest(signedBy: key).der),
            description: HostFacts.current.nodeDescription(name: configuration.name),
            advertiseAddress: "\(addresses.advertise)", dataPathAddress: "\(addresses.dataPath)",
            availability: wish.availability ?? .active)
        self.loop = loop
    }

    /// Asks the managers one after the other. `accepted` makes the node a member, between the answer and, on a manager,
    /// its first vote.
    func run(_ accepted: (NodeIdentity) async throws -> Membership) async throws -> Membership {
        var reasons: [String] = []
        for remote in remotes {
            do {
                return try await join(at: remote, accepted)
            } catch let error as HTTPError where error.status == .forbidden || error.status == .internalServerError {
                // Refused for good, or this node cannot be what it was made: another manager would not change that.
                throw error
            } catch {
                reasons.append("\(remote): \(HTTPError(describing: error).message)")
            }
        }
        throw HTTPError(.serviceUnavailable, "could not join the cluster by \(reasons.joined(separator: "; "))")
    }

    private func join(
        at remote: String, _ accepted: (NodeIdentity) async throws -> Membership
    ) async throws -> Membership {
        var target = remote
        for _ in 0..<Limits.redirects {
            let channel = try await connect(to: try ClusterLinks.parse(target))
            defer { channel.close() }
            let answer = try await channel.closing(after: Limits.answer, loop) {
                try await channel.send(json: JoinerMessage.request(request))
                return try await channel.receive(json: JoinHostMessage.self)
            }
            switch answer {
            case .redirect(let leader): target = leader.address
            case .refused(let reason): throw HTTPError(.forbidden, reason)
            case .admitted(let answer):
                let membership: Membership
                do {
                    membership = try await accepted(identity(answer))
                } catch {
                    try? await channel.closing(after: Limits.answer, loop) {
                        try await channel.send(json: JoinerMessage.gaveUp("\(error)"))
                        // Until it is heard.
                        _ = try await channel.receiveBytes()
                    }
                    throw HTTPError(.internalServerError, "admitted, but this node cannot take up its part: \(error)")
                }
                do {
                    try await channel.closing(after: Limits.confirmation, loop) {
                        try await channel.send(json: JoinerMessage.ready)
                        try await confirm(channel)
                    }
                } catch let error as HTTPError where error.status == .forbidden {
                    try await membership.leave(force: true)
                    throw error
                } catch {
                    // Whether this node votes already is not known: a member it is, and one that votes must stay.
                    Logger("join").warning("the manager went away before the join was complete", ["error": "\(error)"])
                }
                return membership
            case .complete, nil:
                throw HTTPError(.badGateway, "the manager closed the connection before it answered")
            }
        }
        throw HTTPError(.badGateway, "sent from manager to manager: the cluster has no steady leader; try again")
    }

    private func confirm(_ channel: Channel) async throws {
        switch try await channel.receive(json: JoinHostMessage.self) {
        case .complete: return
        case .refused(let reason): throw HTTPError(.forbidden, reason)
        case .admitted, .redirect, nil:
            throw ChannelError.truncated
        }
    }

    /// What the answer makes of this node, once it is sure that the answer is for its key and of the token's root.
    private func identity(_ answer: JoinAnswer) throws -> NodeIdentity {
        let root = try Certificate(pem: [UInt8](answer.rootCertificate.utf8))
        guard Digest.base36(root.digest) == token.clusterDigest else {
            throw CertificateError.untrusted("the root is not the one that the token names")
        }
        let roots = try answer.roots.map { try Certificate.all(pem: [UInt8]($0.utf8)) } ?? [root]
        let credentials = try NodeCredentials(
            key: key, certificate: Certificate(pem: [UInt8](answer.certificate.utf8)), roots: roots)
        guard credentials.issuer == root else {
            throw CertificateError.untrusted("the root that the token names has not issued it")
        }
        return NodeIdentity(
            credentials, advertiseAddress: request.advertiseAddress, dataPathAddress: request.dataPathAddress,
            dataPathPort: answer.dataPathPort, managers: answer.managers)
    }

    /// Nothing is said to a manager of another root, not even the token.
    private func connect(to remote: SocketAddress) async throws -> Channel {
        let digest = token.clusterDigest
        do {
            return try await Channel.connect(
                to: remote, purpose: .join,
                authentication: StrangerAuthentication { Digest.base36($0) == digest }, loop: loop,
                timeout: Limits.connect)
        } catch TLSError.untrusted(let reason) {
            throw HTTPError(
                .forbidden,
                "the manager at \(remote) is not one of the token's cluster (\(reason)): the token may be of another "
                    + "cluster; ask a manager of this one with \"clusterctl manager token worker\"")
        }
    }
}
