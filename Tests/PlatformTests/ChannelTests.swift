import Platform
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct ChannelTests {
    private static let nodeKey = randomBytes(32)
    private static let tokenSecret = randomBytes(32)

    private static let manager = SharedKeyAuthentication(
        identity: { PeerIdentity(nodeID: "m1", role: .manager, clusterID: "c1") }, ownKey: { _ in nodeKey },
        lookup: { claimed, purpose in
            // As a real one does, it takes its time.
            try? await Task.sleep(for: .milliseconds(1))
            if purpose == .join { return claimed.role == .worker ? tokenSecret : nil }
            return claimed.nodeID.hasPrefix("node") ? nodeKey : nil
        })

    private static func node(_ name: String, key: [UInt8] = nodeKey) -> SharedKeyAuthentication {
        SharedKeyAuthentication(
            identity: { PeerIdentity(nodeID: name, role: .worker, clusterID: "c1") }, ownKey: { _ in key })
    }

    private static let joiner = SharedKeyAuthentication(
        identity: { PeerIdentity(nodeID: "", role: .worker, clusterID: "") }, ownKey: { _ in tokenSecret })

    private static func listen(_ loop: EventLoop, timeout: Duration = .seconds(5)) throws -> ChannelListener {
        try ChannelListener(
            on: .ipv4(.loopback, 0), authentication: manager, loop: loop, handshakeTimeout: timeout,
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
                case .join:
                    while let frame = try await channel.receive() {
                        let box = try channel.seal([UInt8]("the cluster's secrets for ".utf8) + frame.payload)
                        try await channel.send(Frame(type: 2, payload: box))
                    }
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
                        to: listener.address, purpose: .dispatch, authentication: Self.node("node\(number)"),
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
            to: listener.address, purpose: .api, authentication: Self.node("node1"), loop: loop)
        try await channel.stream.write([1, 2, 3])
        #expect(try await channel.stream.read(upTo: 10) == [3, 2, 1])
    }

    @Test func joiningByTokenGivesSealedSecrets() async throws {
        let loop = try EventLoop(name: "test-join")
        defer { loop.stop() }
        let listener = try Self.listen(loop)
        defer { listener.close() }
        let channel = try await Channel.connect(
            to: listener.address, purpose: .join, authentication: Self.joiner, loop: loop)
        try await channel.send(Frame(type: 1, payload: [UInt8]("me".utf8)))
        let answer = try #require(try await channel.receive())
        #expect(String(decoding: try channel.open(answer.payload), as: UTF8.self) == "the cluster's secrets for me")
        // The token opens nothing else, and the node key is no token.
        await #expect(throws: ChannelError.self) {
            try await Channel.connect(
                to: listener.address, purpose: .raft, authentication: Self.joiner, loop: loop)
        }
        await #expect(throws: ChannelError.self) {
            try await Channel.connect(
                to: listener.address, purpose: .join, authentication: Self.node("node1"), loop: loop)
        }
    }

    @Test func strangersAreRefusedAndTold() async throws {
        let loop = try EventLoop(name: "test-stranger")
        defer { loop.stop() }
        let listener = try Self.listen(loop)
        defer { listener.close() }
        for authentication in [Self.node("node1", key: randomBytes(32)), Self.node("other")] {
            let error = await #expect(throws: ChannelError.self) {
                try await Channel.connect(
                    to: listener.address, purpose: .dispatch, authentication: authentication, loop: loop)
            }
            #expect(error?.description.contains("not authentic") == true)
        }
        let wrong = await #expect(throws: ChannelError.self) {
            try await Channel.connect(
                to: listener.address, purpose: .dispatch, authentication: Self.node("node1"), expecting: "m9",
                loop: loop)
        }
        #expect(wrong?.description.contains("node m9") == true)
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
                to: mute.address, purpose: .raft, authentication: Self.node("node1"), loop: loop,
                timeout: .milliseconds(100))
        }
    }

    @Test func anEndInTheMiddleIsAnError() async throws {
        let loop = try EventLoop(name: "test-middle")
        defer { loop.stop() }
        let (left, right) = try SocketStream.pair(loop: loop)
        let peer = PeerIdentity(nodeID: "m1", role: .manager, clusterID: "c1")
        let channel = Channel(
            AuthenticatedStream(stream: left, peer: peer, purpose: .raft, minor: 0, sessionKey: randomBytes(32)),
            payloadLimit: 100)
        try await right.write([0, 0, 0, 3, 0x07, 0x48])
        right.close()
        await #expect(throws: ChannelError.truncated) { try await channel.receive() }
    }
}
