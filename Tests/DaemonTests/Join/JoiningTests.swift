import HTTP
import Model
import Platform
import TestSupport
import Testing

@testable import Daemon

/// The joining end against managers that say what they like.
@Suite(.timeLimit(.minutes(1))) struct JoiningTests {
    private static let token = JoinToken(clusterDigest: "digest", secret: "secret1")

    /// A manager that knows the worker's token, and answers as told.
    private static func manager(
        _ loop: EventLoop, _ answer: @escaping @Sendable (Channel, JoinRequest) async throws -> Void
    ) throws -> ChannelListener {
        let authentication = SharedKeyAuthentication(
            identity: { PeerIdentity(nodeID: "m1", role: .manager, clusterID: "c1") }, ownKey: { _ in nil },
            lookup: { claimed, purpose in
                purpose == .join && claimed.role == .worker ? Array(token.secret.utf8) : nil
            })
        return try ChannelListener(on: .ipv4(.loopback, 0), authentication: authentication, loop: loop) { channel in
            guard case .request(let request)? = try? await channel.receive(sealed: JoinerMessage.self) else { return }
            #expect(channel.peer.nodeID == request.nodeID)
            try? await answer(channel, request)
        }
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
            try await channel.send(sealed: JoinHostMessage.refused("the cluster is full"))
        }
        defer { manager.close() }
        let error = await Self.refusal { try await Self.join(["\(manager.address)"], loop) }
        #expect(error?.status == .forbidden && error?.message == "the cluster is full")
    }

    @Test func tokenOfAnotherClusterIsNotTriedForEver() async throws {
        let loop = try EventLoop(name: "test-join")
        defer { loop.stop() }
        let manager = try Self.manager(loop) { _, _ in Issue.record("let in") }
        defer { manager.close() }
        let other = JoinToken(clusterDigest: "digest", secret: "secret2")
        let error = await Self.refusal { try await Self.join(["\(manager.address)"], token: other, loop) }
        #expect(error?.status == .forbidden && error?.message.contains("does not know this token") == true)
        #expect(error?.message.contains("secret") == false)
    }

    @Test func leaderThatIsNotThereIsSaid() async throws {
        let loop = try EventLoop(name: "test-join")
        defer { loop.stop() }
        let manager = try Self.manager(loop) { channel, request in
            #expect(request.advertiseAddress == "127.0.0.1:2377")
            try await channel.send(
                sealed: JoinHostMessage.redirect(ManagerEndpoint(nodeID: "m1", address: Self.address.description)))
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
            { _ in }, { try await $0.send(sealed: JoinHostMessage.complete) },
            { try await $0.send(json: JoinHostMessage.complete) },
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
                sealed: JoinHostMessage.admitted(
                    JoinAnswer(
                        clusterID: "c1", role: .worker, nodeKey: "k", clusterKey: nil,
                        advertiseAddress: request.advertiseAddress, dataPathAddress: request.dataPathAddress,
                        dataPathPort: 4789, managers: [])))
            _ = try await channel.receive(sealed: JoinerMessage.self)
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
