import HTTP
import Model
import Platform

/// The joining node's end of a join: proves the token, says who it is, and becomes what the answer says.
struct Joining: Sendable {
    private let token: JoinToken
    private let remotes: [String]
    private let request: JoinRequest
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
        request = JoinRequest(
            nodeID: Identifier.random(),
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
                try await channel.send(sealed: JoinerMessage.request(request))
                return try await channel.receive(sealed: JoinHostMessage.self)
            }
            switch answer {
            case .redirect(let leader): target = leader.address
            case .refused(let reason): throw HTTPError(.forbidden, reason)
            case .admitted(let answer):
                let membership: Membership
                do {
                    membership = try await accepted(NodeIdentity(nodeID: request.nodeID, answer: answer))
                } catch {
                    throw HTTPError(.internalServerError, "admitted, but this node cannot take up its part: \(error)")
                }
                do {
                    try await channel.closing(after: Limits.confirmation, loop) {
                        try await channel.send(sealed: JoinerMessage.ready)
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
        switch try await channel.receive(sealed: JoinHostMessage.self) {
        case .complete: return
        case .refused(let reason): throw HTTPError(.forbidden, reason)
        case .admitted, .redirect, nil:
            throw ChannelError.truncated
        }
    }

    /// A token does not say which role it gives: the handshake is tried as a worker, then as a manager.
    private func connect(to remote: SocketAddress) async throws -> Channel {
        do {
            return try await connect(to: remote, as: .worker)
        } catch let error as ChannelError where error.isAboutKeys {
            do {
                return try await connect(to: remote, as: .manager)
            } catch let error as ChannelError where error.isAboutKeys {
                throw HTTPError(
                    .forbidden,
                    "the manager at \(remote) does not know this token: it may be of another cluster, or rotated since; "
                        + "ask a manager with \"clusterctl manager token worker\"")
            }
        }
    }

    private func connect(to remote: SocketAddress, as role: PeerIdentity.Role) async throws -> Channel {
        let identity = PeerIdentity(nodeID: request.nodeID, role: role, clusterID: "")
        let key = Array(token.secret.utf8)
        return try await Channel.connect(
            to: remote, purpose: .join,
            authentication: SharedKeyAuthentication(identity: { identity }, ownKey: { _ in key }), loop: loop,
            timeout: Limits.connect)
    }
}

extension ChannelError {
    /// Whether the other end would not have the key, for which it gives no reasons.
    fileprivate var isAboutKeys: Bool {
        switch self {
        case .notAuthentic, .refused: true
        default: false
        }
    }
}
