import FoundationEssentials
import HTTP
import Model
import Platform
import TestSupport
import Testing

@testable import Daemon

/// The joining end against managers that say what they like.
@Suite(.timeLimit(.minutes(1))) struct JoiningTests {
    private static let authority = CertificateAuthority.make(clusterID: "c1")
    private static let token = JoinToken(clusterDigest: Digest.base36(authority.root.digest), secret: "secret1")

    /// A manager of the token's cluster, which answers as told.
    private static func manager(
        _ loop: EventLoop, of authority: CertificateAuthority = authority, role: PeerIdentity.Role = .manager,
        _ answer: @escaping @Sendable (Channel, JoinRequest) async throws -> Void
    ) throws -> ChannelListener {
        let credentials = CurrentCredentials(try TestCertificates.credentials(of: authority, "m1", role))
        return try ChannelListener(
            on: .ipv4(.loopback, 0), authentication: CertificateAuthentication(credentials) { _, _ in nil }, loop: loop
        ) { channel in
            guard case .request(let request)? = try? await channel.receive(json: JoinerMessage.self) else { return }
            #expect(channel.peer == .stranger)
            try? await answer(channel, request)
        }
    }

    /// What a good manager answers, of this authority and for the key of this request.
    private static func answer(
        _ request: JoinRequest, of authority: CertificateAuthority = authority, root: CertificateAuthority? = nil
    ) throws -> JoinAnswer {
        let certificate = try authority.issue(
            CertificateRequest(der: Array(request.certificateRequest)),
            to: PeerIdentity(nodeID: "n1", role: .worker, clusterID: "c1"))
        return JoinAnswer(
            certificate: String(decoding: certificate.pem, as: UTF8.self),
            rootCertificate: String(decoding: (root ?? authority).root.pem, as: UTF8.self), dataPathPort: 4789,
            managers: [])
    }

    private static func join(
        _ remotes: [String], token: JoinToken = token, _ loop: EventLoop,
        accepted: @Sendable (NodeIdentity) async throws -> Membership = { _ in throw Unwanted() }
    ) async throws {
        let wish = SwarmJoinRequest(remoteAddresses: remotes, joinToken: token.description)
        _ = try await Joining(wish, DaemonConfiguration(), loop: loop).run(accepted)
    }

    private struct Unwanted: Error, CustomStringConvertible {
        let description = "the port is taken"
    }

    private static func refusal(_ body: () async throws -> Void) async -> HTTPError? {
        do {
            try await body()
        } catch let error as HTTPError {
            return error
        } catch {
            Issue.record("not an HTTPError: \(error)")
        }
        return nil
    }

    @Test func refusalIsHandedOn() async throws {
        let loop = try EventLoop(name: "test-join")
        defer { loop.stop() }
        let manager = try Self.manager(loop) { channel, _ in
            try await channel.send(json: JoinHostMessage.refused("the cluster is full"))
        }
        defer { manager.close() }
        let error = await Self.refusal { try await Self.join(["\(manager.address)"], loop) }
        #expect(error?.status == .forbidden && error?.message == "the cluster is full")
    }

    /// Neither the token nor anything else is said to a manager of another cluster, nor to a worker of this one.
    @Test func theTokenIsShownToItsOwnManagersOnly() async throws {
        let loop = try EventLoop(name: "test-join")
        defer { loop.stop() }
        let others = [
            try Self.manager(loop, of: .make(clusterID: "c1")) { _, _ in Issue.record("heard the token") },
            try Self.manager(loop, role: .worker) { _, _ in Issue.record("heard the token") },
        ]
        defer { for other in others { other.close() } }
        let foreign = await Self.refusal { try await Self.join(["\(others[0].address)"], loop) }
        #expect(foreign?.status == .forbidden && foreign?.message.contains("not one of the token's cluster") == true)
        #expect(foreign?.message.contains("secret") == false)
        let worker = await Self.refusal { try await Self.join(["\(others[1].address)"], loop) }
        #expect(worker?.status == .serviceUnavailable)
    }

    /// The answer must be for this node's key, and of the root that the token names.
    @Test func anAnswerThatDoesNotFitIsRefused() async throws {
        let loop = try EventLoop(name: "test-join")
        defer { loop.stop() }
        let other = CertificateAuthority.make(clusterID: "c1")
        let answers: [@Sendable (JoinRequest) throws -> JoinAnswer] = [
            { try Self.answer($0, of: other) }, { try Self.answer($0, of: other, root: Self.authority) },
            { try Self.answer($0, root: other) },
            { request in
                var request = request
                request.certificateRequest = Data(CertificateRequest(signedBy: .generate()).der)
                return try Self.answer(request)
            },
            { request in
                var answer = try Self.answer(request)
                answer.certificate = "nonsense"
                return answer
            },
        ]
        for answer in answers {
            let manager = try Self.manager(loop) { channel, request in
                try await channel.send(json: JoinHostMessage.admitted(try answer(request)))
            }
            defer { manager.close() }
            let error = await Self.refusal {
                try await Self.join(["\(manager.address)"], loop) { _ in
                    Issue.record("taken for a member")
                    throw Unwanted()
                }
            }
            #expect(error?.status == .internalServerError)
        }
    }

    @Test func leaderThatIsNotThereIsSaid() async throws {
        let loop = try EventLoop(name: "test-join")
        defer { loop.stop() }
        let manager = try Self.manager(loop) { channel, request in
            #expect(request.advertiseAddress == "127.0.0.1:2377")
            try await channel.send(
                json: JoinHostMessage.redirect(ManagerEndpoint(nodeID: "m1", address: Self.address.description)))
        }
        defer { manager.close() }
        let error = await Self.refusal { try await Self.join(["\(manager.address)"], loop) }
        #expect(error?.status == .serviceUnavailable)
    }

    /// Nobody listens at port 1.
    private static let address = SocketAddress.ipv4(.loopback, 1)

    @Test func nonsenseAndSilenceAreErrors() async throws {
        let loop = try EventLoop(name: "test-join")
        defer { loop.stop() }
        let answers: [@Sendable (Channel) async throws -> Void] = [
            { _ in }, { try await $0.send(json: JoinHostMessage.complete) },
            { try await $0.send(Frame(type: 2, payload: randomBytes(100))) },
            { try await $0.send(bytes: []) },
            { try await $0.stream.write(randomBytes(1000)) },
        ]
        for answer in answers {
            let manager = try Self.manager(loop) { channel, _ in try await answer(channel) }
            defer { manager.close() }
            let error = await Self.refusal { try await Self.join(["\(manager.address)"], loop) }
            #expect(error?.status == .serviceUnavailable)
        }
    }

    /// Another manager would refuse the same id, and hide why.
    @Test func whatFailsHereIsSaidAndNotTriedElsewhere() async throws {
        let loop = try EventLoop(name: "test-join")
        defer { loop.stop() }
        let manager = try Self.manager(loop) { channel, request in
            try await channel.send(
                json: JoinHostMessage.admitted(try Self.answer(request)))
            _ = try await channel.receive(json: JoinerMessage.self)
        }
        defer { manager.close() }
        let error = await Self.refusal { try await Self.join(["\(manager.address)", "127.0.0.1:1"], loop) }
        #expect(error?.status == .internalServerError && error?.message.contains("the port is taken") == true)
    }

    @Test(
        arguments: [
            ([], "SWMTKN-1-d-s"), (["127.0.0.1"], ""), (["127.0.0.1"], "SWMTKN-2-d-s"), (["127.0.0.1"], "SWMTKN-1-d"),
            ([String](repeating: "127.0.0.1", count: 33), "SWMTKN-1-d-s"),
        ] as [([String], String)])
    func wishesThatCannotBeAreRefused(remotes: [String], token: String) throws {
        let loop = try EventLoop(name: "test-join")
        defer { loop.stop() }
        let wish = SwarmJoinRequest(remoteAddresses: remotes, joinToken: token)
        let error = #expect(throws: HTTPError.self) { try Joining(wish, DaemonConfiguration(), loop: loop) }
        #expect(error?.status == .badRequest)
        #expect(error?.message.contains("SWMTKN") != true)
    }
}
