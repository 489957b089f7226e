import Synchronization
import TestSupport
import Testing

@testable import Platform

@Suite(.timeLimit(.minutes(1))) struct ChannelTests {
    private static let authority = CertificateAuthority.make(clusterID: "c1")

    private static func credentials(
        _ nodeID: String, _ role: PeerIdentity.Role = .worker, cluster: String = "c1",
        of authority: CertificateAuthority = authority
    ) throws -> CurrentCredentials {
        CurrentCredentials(try TestCertificates.credentials(of: authority, nodeID, role, cluster: cluster))
    }

    private static func node(
        _ name: String, _ role: PeerIdentity.Role = .worker
    ) throws -> CertificateAuthentication { CertificateAuthentication(try credentials(name, role)) }

    private static let joiner = StrangerAuthentication { $0 == authority.root.digest }

    /// Manager m1, who has removed the node `gone`.
    private static func manager(_ credentials: CurrentCredentials) -> CertificateAuthentication {
        CertificateAuthentication(credentials) { peer, _ in
            // As a real one may, it takes its time.
            try? await Task.sleep(for: .milliseconds(1))
            return peer.nodeID == "gone" ? "it was removed" : nil
        }
    }

    private static func listen(
        _ loop: EventLoop, timeout: Duration = .seconds(5), as credentials: CurrentCredentials? = nil
    ) throws -> ChannelListener {
        let authentication = manager(try credentials ?? Self.credentials("m1", .manager))
        return try ChannelListener(
            on: .ipv4(.loopback, 0), authentication: authentication, loop: loop, handshakeTimeout: timeout,
            payloadLimit: 1 << 20
        ) { channel in
            do {
                switch channel.purpose {
                case .api:
                    while true {
                        let bytes = try await channel.stream.read(upTo: 100)
                        if bytes.isEmpty { return }
                        try await channel.stream.write(bytes.reversed())
                    }
                case .join, .renew:
                    while let frame = try await channel.receive() { try await channel.send(frame) }
                case .raft, .dispatch:
                    let greeting = [UInt8]("hello \(channel.peer.nodeID)".utf8)
                    try await channel.send([Frame(type: 0, payload: greeting), Frame(type: 0, payload: [])])
                    while let frame = try await channel.receive() { try await channel.send(frame) }
                }
            } catch {
                channel.close()
            }
        }
    }

    @Test func framesGoBothWays() async throws {
        let loop = try EventLoop(name: "test-channel")
        defer { loop.stop() }
        let listener = try Self.listen(loop)
        defer { listener.close() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<10 {
                group.addTask {
                    let channel = try await Channel.connect(
                        to: listener.address, purpose: .dispatch, authentication: try Self.node("node\(number)"),
                        expecting: "m1", loop: loop, payloadLimit: 1 << 20)
                    #expect(channel.peer == PeerIdentity(nodeID: "m1", role: .manager, clusterID: "c1"))
                    #expect(try await channel.receive()?.payload == [UInt8]("hello node\(number)".utf8))
                    #expect(try await channel.receive()?.payload == [])
                    for size in [0, 1, 1000, 1 << 20] {
                        let frame = Frame(type: UInt8(number), payload: randomBytes(size))
                        try await channel.send(frame)
                        #expect(try await channel.receive() == frame)
                    }
                    await #expect(throws: ChannelError.frameTooLong(1 << 20 + 1)) {
                        try await channel.send(Frame(type: 0, payload: [UInt8](repeating: 0, count: 1 << 20 + 1)))
                    }
                    try await channel.stream.shutdownWrite()
                    #expect(try await channel.receive() == nil)
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func aRawStreamIsUsedAsItIs() async throws {
        let loop = try EventLoop(name: "test-raw")
        defer { loop.stop() }
        let listener = try Self.listen(loop)
        defer { listener.close() }
        let channel = try await Channel.connect(
            to: listener.address, purpose: .api, authentication: try Self.node("m2", .manager), loop: loop)
        try await channel.stream.write([1, 2, 3])
        #expect(try await channel.stream.read(upTo: 10) == [3, 2, 1])
    }

    /// What each role may connect for, as its certificate says.
    @Test func aRoleOpensWhatIsItsOwn() async throws {
        let loop = try EventLoop(name: "test-roles")
        defer { loop.stop() }
        let listener = try Self.listen(loop)
        defer { listener.close() }
        let allowed: [PeerIdentity.Role: Set<ChannelPurpose>] = [
            .manager: [.raft, .dispatch, .api, .renew], .worker: [.dispatch, .renew], .stranger: [.join],
        ]
        let roles: [(PeerIdentity.Role, any ChannelAuthentication)] = [
            (.manager, try Self.node("m2", .manager)), (.worker, try Self.node("w1")), (.stranger, Self.joiner),
        ]
        for (role, authentication) in roles {
            for purpose in ChannelPurpose.allCases {
                let connect = { () async throws in
                    _ = try await Channel.connect(
                        to: listener.address, purpose: purpose, authentication: authentication, loop: loop)
                }
                if allowed[role]?.contains(purpose) == true {
                    try await connect()
                } else {
                    let error = await #expect(throws: ChannelError.self, "\(role) \(purpose)") { try await connect() }
                    guard case .refused(let reason)? = error else {
                        Issue.record("\(role) \(purpose): \(error as Any)")
                        continue
                    }
                    #expect(reason.contains("may not connect for \(purpose)"))
                }
            }
        }
    }

    @Test func strangersHaveLittleRoom() async throws {
        let loop = try EventLoop(name: "test-join")
        defer { loop.stop() }
        let listener = try Self.listen(loop)
        defer { listener.close() }
        let channel = try await Channel.connect(
            to: listener.address, purpose: .join, authentication: Self.joiner, loop: loop)
        #expect(channel.peer.nodeID == "m1" && channel.payloadLimit == 256 << 10)
        try await channel.send(Frame(type: 1, payload: [1]))
        #expect(try await channel.receive()?.payload == [1])
    }

    @Test func strangersAreRefusedAndTold() async throws {
        let loop = try EventLoop(name: "test-stranger")
        defer { loop.stop() }
        let listener = try Self.listen(loop)
        defer { listener.close() }
        let connect = { (credentials: CurrentCredentials, expected: String?) async throws in
            _ = try await Channel.connect(
                to: listener.address, purpose: .dispatch, authentication: CertificateAuthentication(credentials),
                expecting: expected, loop: loop)
        }
        // Of another root: this end does not trust the manager either.
        await #expect(throws: TLSError.self) {
            try await connect(try Self.credentials("n1", of: .make(clusterID: "c1")), nil)
        }
        await #expect(throws: ChannelError.refused("it was removed")) {
            try await connect(try Self.credentials("gone"), nil)
        }
        let wrong = await #expect(throws: ChannelError.self) { try await connect(try Self.credentials("n1"), "m9") }
        #expect(wrong?.description.contains("node m9") == true)
        // One root may vouch for two clusters; each keeps to itself.
        await #expect(throws: ChannelError.self) { try await connect(try Self.credentials("n1", cluster: "c2"), nil) }
    }

    @Test func aManagerKeepsItsClusterToItself() async throws {
        let loop = try EventLoop(name: "test-cluster")
        defer { loop.stop() }
        let listener = try Self.listen(loop)
        defer { listener.close() }
        let other = try Self.credentials("n1", cluster: "c2")
        let socket = try await SocketStream.connect(to: listener.address, loop: loop)
        let stream = try await TLSStream.handshake(over: socket, other.client, within: .seconds(5), on: loop)
        try await stream.write(Greeting.client(.dispatch))
        var answer: [UInt8] = []
        while true {
            let bytes = try await stream.read(upTo: 1000)
            if bytes.isEmpty { break }
            answer += bytes
        }
        #expect(try Greeting.readServer(Array(answer.prefix(Greeting.serverLength))).isRefused)
        #expect(String(decoding: answer, as: UTF8.self).contains("not authentic"))
    }

    /// A worker that listens where a manager is expected gets nothing.
    @Test func onlyManagersAreConnectedTo() async throws {
        let loop = try EventLoop(name: "test-impostor")
        defer { loop.stop() }
        let listener = try Self.listen(loop, as: try Self.credentials("w9"))
        defer { listener.close() }
        for authentication in [try Self.node("w1"), Self.joiner] as [any ChannelAuthentication] {
            await #expect(throws: ChannelError.notAuthentic) {
                try await Channel.connect(
                    to: listener.address, purpose: .join, authentication: authentication, loop: loop)
            }
        }
    }

    @Test func credentialsAreReplacedWhileConnectionsGoOn() async throws {
        let loop = try EventLoop(name: "test-replace")
        defer { loop.stop() }
        let (server, client) = (try Self.credentials("m1", .manager), try Self.credentials("n1"))
        let listener = try Self.listen(loop, as: server)
        defer { listener.close() }
        let connect = {
            try await Channel.connect(
                to: listener.address, purpose: .renew, authentication: CertificateAuthentication(client), loop: loop)
        }
        let first = try await connect()
        let next = CertificateAuthority.make(clusterID: "c1")
        server.replace(by: try TestCertificates.credentials(of: next, "m1", .manager))
        await #expect(throws: TLSError.self) { try await connect() }
        client.replace(by: try TestCertificates.credentials(of: next, "n1"))
        #expect(try await connect().peer.nodeID == "m1")
        try await first.send(Frame(type: 1, payload: [7]))
        #expect(try await first.receive()?.payload == [7])
    }

    @Test func theSilentAndTheBrokenAreCutOff() async throws {
        let loop = try EventLoop(name: "test-silent")
        defer { loop.stop() }
        let listener = try Self.listen(loop, timeout: .milliseconds(100))
        defer { listener.close() }
        let silent = try await SocketStream.connect(to: listener.address, loop: loop)
        #expect(try await silent.read(upTo: 1).isEmpty)
        let web = try await SocketStream.connect(to: listener.address, loop: loop)
        try await web.write([UInt8]("GET / HTTP/1.1\r\n\r\n".utf8))
        #expect(((try? await web.read(upTo: 100)) ?? []).isEmpty)
        // A server that says nothing: the client gives up.
        let mute = try SocketListener(on: .ipv4(.loopback, 0), loop: loop) { stream in
            Task {
                _ = try? await stream.read(upTo: 1 << 16)
                try? await Task.sleep(for: .seconds(2))
                stream.close()
            }
        }
        defer { mute.close() }
        await #expect(throws: ChannelError.timedOut) {
            try await Channel.connect(
                to: mute.address, purpose: .raft, authentication: try Self.node("node1"), loop: loop,
                timeout: .milliseconds(100))
        }
    }

    @Test func anEndInTheMiddleIsAnError() async throws {
        let loop = try EventLoop(name: "test-middle")
        defer { loop.stop() }
        let (left, right) = try SocketStream.pair(loop: loop)
        let peer = PeerIdentity(nodeID: "m1", role: .manager, clusterID: "c1")
        let channel = Channel(
            AuthenticatedStream(stream: left, peer: peer, purpose: .raft, minor: 0),
            payloadLimit: 100)
        try await right.write([0, 0, 0, 3, 0x07, 0x48])
        right.close()
        await #expect(throws: ChannelError.truncated) { try await channel.receive() }
    }
}
