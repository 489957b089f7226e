import Foundation
import TestSupport
import Testing

@testable import Platform

/// Who is not let in, and what each end is told.
@Suite(.timeLimit(.minutes(2))) struct TLSRefusalTests {
    private static let now = TestCertificates.now
    private static let day = Duration.seconds(86_400)

    private static func client(
        of authority: CertificateAuthority = TLSPair.authority, _ validity: Duration = day, from now: Timestamp = now
    ) throws -> NodeCredentials {
        try TestCertificates.credentials(of: authority, "n1", validity: validity, now: now)
    }

    /// What the server says of this client, and the client hears.
    private static func refusal(
        of client: NodeCredentials, trusting root: Certificate = TLSPair.authority.root
    ) async throws -> (server: TLSError?, client: TLSError?) {
        let loop = try EventLoop(name: "test-tls")
        defer { loop.stop() }
        let server = try #require(TLSPair.server)
        // It trusts the server, so that it is the server who refuses.
        let trusting = TLSContext.client(unchecked: client.key, client.certificate, roots: [root])
        let (clientEnd, serverEnd) = try await TLSPair.attempt(trusting, .server(server), on: loop, isReading: true)
        return (failure(serverEnd), failure(clientEnd))
    }

    private static func failure(_ result: Result<TLSStream, any Error>) -> TLSError? {
        if case .failure(let error) = result { error as? TLSError } else { nil }
    }

    @Test func aCertificateOfAnotherRoot() async throws {
        let (server, client) = try await Self.refusal(of: Self.client(of: .make(clusterID: "c1")))
        #expect(server == .untrusted("unable to get local issuer certificate"))
        #expect(client == .refused("unknown CA"))
    }

    @Test func aCertificateThatIssuedItself() async throws {
        let own = CertificateAuthority.make(clusterID: "c1")
        let loop = try EventLoop(name: "test-tls")
        defer { loop.stop() }
        let server = try #require(TLSPair.server)
        let context = TLSContext.client(unchecked: own.key, own.root, roots: [TLSPair.authority.root])
        let (_, end) = try await TLSPair.attempt(context, .server(server), on: loop, isReading: true)
        #expect(Self.failure(end) == .untrusted("self-signed certificate"))
    }

    @Test func aCertificateThatHasExpired() async throws {
        let (server, client) = try await Self.refusal(of: Self.client(Self.day, from: Self.now + Self.day * -2))
        #expect(server == .untrusted("certificate has expired"))
        #expect(client == .refused("certificate expired"))
    }

    @Test func aCertificateThatIsNotValidYet() async throws {
        let (server, client) = try await Self.refusal(of: Self.client(Self.day * 9, from: Self.now + Self.day * 2))
        #expect(server == .untrusted("certificate is not yet valid"))
        #expect(client == .refused("bad certificate"))
    }

    @Test func aServerOfAnotherRootIsToldAndGetsNothing() async throws {
        let loop = try EventLoop(name: "test-tls")
        defer { loop.stop() }
        let other = try TestCertificates.credentials(of: .make(clusterID: "c1"), "m1", .manager)
        let (client, server) = try await TLSPair.attempt(.client(Self.client()), .server(other), on: loop)
        #expect(Self.failure(client) == .untrusted("certificate chain too long"))
        #expect(Self.failure(server) == .refused("unknown CA"))
    }

    @Test func aServerThatHasExpiredGetsNothing() async throws {
        let loop = try EventLoop(name: "test-tls")
        defer { loop.stop() }
        let old = try Self.client(Self.day, from: Self.now + Self.day * -2)
        let (client, _) = try await TLSPair.attempt(.client(Self.client()), .server(old), on: loop)
        #expect(Self.failure(client) == .untrusted("certificate has expired"))
    }

    /// While a cluster changes its root, nodes of both understand each other; who trusts one alone refuses the other.
    @Test func twoRootsAtATime() async throws {
        let loop = try EventLoop(name: "test-tls")
        defer { loop.stop() }
        let (old, new) = (TLSPair.authority, CertificateAuthority.make(clusterID: "c1"))
        let both = [old.root, new.root]
        let (early, late) = (
            try TestCertificates.credentials(of: old, "n1", roots: both),
            try TestCertificates.credentials(of: new, "m1", .manager, roots: both)
        )
        #expect(early.issuer == old.root && late.issuer == new.root)
        #expect(try NodeCredentials(pem: late.pem).roots == both)
        for (client, server) in [(early, late), (late, early)] {
            let (one, two) = try await TLSPair.attempt(.client(client), .server(server), on: loop, isReading: false)
            #expect(try one.get().peer == server.certificate && two.get().peer == client.certificate)
        }
        // The root that is sent along is the one that issued: it is what a token pins.
        let digest = new.root.digest
        let (stranger, _) = try await TLSPair.attempt(.stranger { $0 == digest }, .server(late), on: loop)
        #expect(try stranger.get().peer == late.certificate)
        let done = try TestCertificates.credentials(of: new, "m2", .manager)
        let (refused, _) = try await TLSPair.attempt(.client(early), .server(done), on: loop, isReading: true)
        #expect(Self.failure(refused) == .refused("unknown CA"))
    }

    // MARK: Those without a certificate

    @Test func aStrangerHasNoNameAndTrustsOnlyWhatItPins() async throws {
        let loop = try EventLoop(name: "test-tls")
        defer { loop.stop() }
        let server = try #require(TLSPair.server)
        let digest = TLSPair.authority.root.digest
        let (client, end) = try await TLSPair.attempt(.stranger { $0 == digest }, .server(server), on: loop)
        #expect(try client.get().peer?.node?.nodeID == "m1")
        #expect(try end.get().peer == nil)
        for wrong in [randomBytes(32), server.certificate.digest] {
            let (client, _) = try await TLSPair.attempt(.stranger { $0 == wrong }, .server(server), on: loop)
            guard case .untrusted? = Self.failure(client) else {
                Issue.record("\(client)")
                return
            }
        }
    }

    /// Whoever has the root's certificate, which is no secret, has not its key.
    @Test func theRootAloneMakesNobodyTrusted() async throws {
        let loop = try EventLoop(name: "test-tls")
        defer { loop.stop() }
        let digest = TLSPair.authority.root.digest
        let rogue = try TestCertificates.credentials(of: .make(clusterID: "c1"), "m1", .manager)
        let context = TLSContext.server(
            unchecked: rogue.key, rogue.certificate, roots: [TLSPair.authority.root],
            sending: TLSPair.authority.root)
        let (client, _) = try await TLSPair.attempt(.stranger { $0 == digest }, context, on: loop)
        #expect(Self.failure(client) == .untrusted("unable to get local issuer certificate"))
        let old = try Self.client(Self.day, from: Self.now + Self.day * -2)
        let (late, _) = try await TLSPair.attempt(.stranger { $0 == digest }, .server(old), on: loop)
        #expect(Self.failure(late) == .untrusted("certificate has expired"))
    }

    // MARK: Those who do not speak TLS 1.3

    @Test func whoDawdlesIsCutOff() async throws {
        let loop = try EventLoop(name: "test-tls")
        defer { loop.stop() }
        let server = try #require(TLSPair.server)
        for isServer in [true, false] {
            let (left, right) = try SocketStream.pair(loop: loop)
            // One byte now and then, of a record that never ends.
            let dawdler = Task {
                for byte in [0x16, 0x03, 0x01, 0x3f, 0xff] + [UInt8](repeating: 1, count: 1000) {
                    try await left.write([byte])
                    try await Task.sleep(for: .milliseconds(10))
                }
            }
            await #expect(throws: TLSError.timedOut) {
                try await TLSStream.handshake(
                    over: right, isServer ? .server(server) : .client(server), within: .milliseconds(200), on: loop)
            }
            await #expect(throws: (any Error).self) { try await dawdler.value }
        }
    }

    @Test func anEndlessHandshakeIsCutOff() async throws {
        let server = try #require(TLSPair.server)
        let loop = try EventLoop(name: "test-tls")
        defer { loop.stop() }
        let (left, right) = try SocketStream.pair(loop: loop)
        // A client hello of 16 MB, as its length says.
        let hello: [UInt8] =
            [0x16, 0x03, 0x01, 0x40, 0x00, 0x01, 0xff, 0xff, 0xff] + [UInt8](repeating: 0, count: 16_380)
        let flood = Task { while true { try await left.write(hello) } }
        await #expect(throws: TLSError.self) {
            try await TLSStream.handshake(over: right, .server(server), within: .seconds(5), on: loop)
        }
        await #expect(throws: (any Error).self) { try await flood.value }
    }

    private static let otherProtocols: [String: [UInt8]] = [
        "silence": [], "an alert": [0x15, 3, 3, 0, 2, 2, 0], "HTTP": [UInt8]("GET / HTTP/1.1\r\n\r\n".utf8),
        "one byte for ever": [UInt8](repeating: 0x16, count: 70_000),
    ]

    @Test(arguments: ["silence", "an alert", "HTTP", "one byte for ever"])
    func otherProtocolsAreRefused(name: String) async throws {
        let bytes = try #require(Self.otherProtocols[name])
        let server = try #require(TLSPair.server)
        let loop = try EventLoop(name: "test-tls")
        defer { loop.stop() }
        let (left, right) = try SocketStream.pair(loop: loop)
        let stranger = Task {
            try? await left.write(bytes)
            try? await left.shutdownWrite()
        }
        await #expect(throws: TLSError.self) {
            try await TLSStream.handshake(over: right, .server(server), within: .seconds(5), on: loop)
        }
        await stranger.value
    }

    /// OpenSSL's own client, which can do more than ours: old versions, resumption, renegotiation.
    @Test(
        .enabled(if: Probe.hasProgram("openssl")),
        arguments: [
            ("-tls1_2", "hello", "alert protocol version"), ("-tls1_1", "hello", "alert"),
            ("-tls1_3", "hello", "New, TLSv1.3"), ("-tls1_3", "R", "RENEGOTIATING"), ("-tls1_3", "K", "KEYUPDATE"),
        ])
    func onlyTheNewestVersionIsSpoken(flag: String, input: String, says: String) async throws {
        let loop = try EventLoop(name: "test-tls")
        defer { loop.stop() }
        let server = try #require(TLSPair.server)
        let listener = try SocketListener(on: .ipv4(.loopback, 0), loop: loop) { stream in
            Task {
                guard
                    let end = try? await TLSStream.handshake(
                        over: stream, .server(server), within: .seconds(5), on: loop)
                else { return }
                while let bytes = try? await end.read(upTo: 100), !bytes.isEmpty { try? await end.write(bytes) }
                end.close()
            }
        }
        defer { listener.close() }
        let output = try await ChildProcess.run(
            .init(
                try #require(Probe.program("openssl")),
                ["s_client", "-connect", "\(listener.address)", "-msg", "-cipher", "ALL:@SECLEVEL=0", flag]),
            input: [UInt8]((input + "\n").utf8),
            timeout: .seconds(20), loop: loop)
        let text = output.stdoutText + output.stderrText
        #expect(text.contains(says), "\(text)")
        #expect(!text.contains("NewSessionTicket"))
        // A second hello is what a renegotiation would begin with.
        #expect(text.components(separatedBy: "ClientHello").count <= 2, "\(text)")
    }

    // MARK: Noise

    /// Damaged records of true handshakes and sessions, fed to a fresh end at every stage.
    @Test func garbageNeverGetsThrough() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        let server = try #require(TLSPair.server)
        let client = try #require(TLSPair.client)
        let (serverContext, clientContext) = (TLSContext.server(server), TLSContext.client(client))
        let flights = Self.flights(clientContext, serverContext)
        #expect(flights.count >= 4)
        let mutator = Mutator(
            flights, spice: [[0x16, 3, 3], [0x17, 3, 3, 0, 1], [0x15, 3, 3, 0, 2, 1, 0], [0x14, 3, 3, 0, 1, 1]],
            seed: seed)
        let count = try await mutator.feed { bytes, mutator in
            var end = TLSSession(Bool.random(using: &mutator.random) ? serverContext : clientContext)
            _ = end.handshake()
            for piece in mutator.pieces(of: bytes) {
                end.feed(piece)
                if case .done = end.handshake() { Issue.record("noise was taken for a peer, seed \(seed)") }
                if case .bytes = end.read(upTo: 100) { Issue.record("noise was read, seed \(seed)") }
            }
            end.feed([])
            _ = end.handshake()
            _ = end.end()
        }
        print("tls: \(count) damaged handshakes, seed \(seed)")
    }

    /// What the two ends send in a good session, flight by flight.
    private static func flights(_ client: TLSContext, _ server: TLSContext) -> [[UInt8]] {
        var left = TLSSession(client)
        var right = TLSSession(server)
        var flights: [[UInt8]] = []
        for _ in 0..<3 {
            _ = left.handshake()
            let up = left.takeOutgoing()
            if !up.isEmpty { right.feed(up) }
            _ = right.handshake()
            let down = right.takeOutgoing()
            if !down.isEmpty { left.feed(down) }
            flights += [up, down].filter { !$0.isEmpty }
        }
        for count in [1, 100, 500] {
            var offset = 0
            if case .success(let records) = left.encrypt(randomBytes(count), from: &offset) { flights.append(records) }
        }
        return flights + [left.end(), right.end()].filter { !$0.isEmpty }
    }
}
