import Platform
import Testing

@testable import Platform

@Suite struct HandshakeTests {
    private static let key = [UInt8](0..<32)
    private static let worker = PeerIdentity(nodeID: "node1", role: .worker, clusterID: "c1")
    private static let manager = PeerIdentity(nodeID: "m1", role: .manager, clusterID: "c1")

    private static func client(
        _ identity: PeerIdentity = worker, key: [UInt8] = key, expecting: String? = nil
    ) -> Handshake {
        Handshake(
            client: identity, purpose: .dispatch, key: key, nonce: [UInt8](repeating: 0xc1, count: 32),
            expecting: expecting)
    }

    private static func server() -> Handshake {
        Handshake(server: manager, nonce: [UInt8](repeating: 0x5e, count: 32))
    }

    /// Two handshakes that talk to each other, the bytes cut in pieces of this size.
    private struct Conversation {
        var client: Handshake
        var server: Handshake
        var knownKey: [UInt8]? = key
        var piece = Int.max
        /// What is done to a message on its way, by its number.
        var tamper: (Int, [UInt8]) -> [UInt8] = { $1 }
        var sent: [(isClient: Bool, bytes: [UInt8])] = []
        var outcomes: [Bool: Handshake.Outcome] = [:]
        var failures: [Bool: ChannelError] = [:]
        var claimed: PeerIdentity?

        mutating func run() {
            var queue: [(toClient: Bool, bytes: [UInt8])] = []
            func apply(_ actions: [Handshake.Action], isClient: Bool) {
                for action in actions {
                    switch action {
                    case .send(let bytes):
                        let changed = tamper(sent.count, bytes)
                        sent.append((isClient, changed))
                        for start in stride(from: 0, to: changed.count, by: min(piece, max(1, changed.count))) {
                            let end = start.addingReportingOverflow(piece)
                            let bound = end.overflow ? changed.count : min(changed.count, end.partialValue)
                            queue.append((!isClient, Array(changed[start..<bound])))
                        }
                    case .lookUpKey(let peer, _):
                        claimed = peer
                        apply(server.handle(.key(knownKey)), isClient: false)
                    case .done(let outcome): outcomes[isClient] = outcome
                    case .fail(let error): failures[isClient] = error
                    }
                }
            }
            apply(client.handle(.start), isClient: true)
            apply(server.handle(.start), isClient: false)
            var steps = 0
            while !queue.isEmpty, steps < 10_000 {
                let (toClient, bytes) = queue.removeFirst()
                if toClient {
                    apply(client.handle(.received(bytes)), isClient: true)
                } else {
                    apply(server.handle(.received(bytes)), isClient: false)
                }
                steps += 1
            }
        }
    }

    /// As another implementation of the same description writes them.
    @Test func goldenBytes() {
        var talk = Conversation(client: Self.client(), server: Self.server())
        talk.run()
        let nonce = { (byte: String) in String(repeating: byte, count: 32) }
        let expected: [(Bool, String)] = [
            (true, "4d4152544c45540000010000002d010201\(nonce("c1"))01056e6f646531026331"),
            (false, "4d4152544c45540000010000"),
            (false, "002802\(nonce("5e"))02026d31026331"),
            (true, "002103fa38185e2c8ea5b59783df38140efb2b1962076c7de2289466c39db761722105"),
            (false, "00210440c1e16d65009cadf736bc7c853e2b778ac41c731147a75635bf57ee224295cb"),
        ]
        #expect(talk.sent.map(\.isClient) == expected.map(\.0))
        #expect(talk.sent.map { Digest.hex($0.bytes) } == expected.map(\.1))
        let sessionKey = "fa49837cfea9f3d1a2c7d5e65e59135a6d316bbffb517b7d4a7b67e2886b1a54"
        for side in [true, false] {
            #expect(talk.outcomes[side].map { Digest.hex($0.sessionKey) } == sessionKey)
            #expect(talk.outcomes[side]?.purpose == .dispatch)
        }
        #expect(talk.outcomes[true]?.peer == Self.manager)
        #expect(talk.outcomes[false]?.peer == Self.worker)
        #expect(talk.claimed == Self.worker)
    }

    @Test(arguments: [1, 2, 3, 7, 50]) func piecesOfAnySize(piece: Int) {
        var talk = Conversation(client: Self.client(), server: Self.server(), piece: piece)
        talk.run()
        #expect(talk.outcomes.count == 2 && talk.failures.isEmpty)
    }

    @Test func aWrongKeyAndAnUnknownNodeLookTheSame() {
        var wrong = Conversation(client: Self.client(key: [1, 2, 3]), server: Self.server())
        wrong.run()
        var unknown = Conversation(client: Self.client(), server: Self.server(), knownKey: nil)
        unknown.run()
        for talk in [wrong, unknown] {
            #expect(talk.outcomes.isEmpty)
            #expect(talk.failures[false] == .notAuthentic)
            guard case .refused = talk.failures[true] else {
                Issue.record("the client was not told")
                return
            }
        }
        #expect(wrong.sent.map(\.bytes.count) == unknown.sent.map(\.bytes.count))
    }

    @Test func theRightOneMustAnswer() {
        var talk = Conversation(client: Self.client(expecting: "m2"), server: Self.server())
        talk.run()
        #expect(talk.failures[true] == .wrongPeer(expected: "node m2", found: "manager m1 of c1"))
        let stranger = PeerIdentity(nodeID: "node1", role: .worker, clusterID: "c2")
        var other = Conversation(client: Self.client(stranger), server: Self.server())
        other.run()
        guard case .wrongPeer = other.failures[true] else {
            Issue.record("another cluster was accepted")
            return
        }
        #expect(talk.outcomes.isEmpty && other.outcomes.isEmpty)
    }

    @Test func noBitMayChangeOnTheWay() {
        for number in 0..<5 {
            for bit in 0..<8 * 60 {
                var talk = Conversation(client: Self.client(), server: Self.server())
                talk.tamper = { index, bytes in
                    guard index == number, bit / 8 < bytes.count else { return bytes }
                    var changed = bytes
                    changed[bit / 8] ^= 1 << UInt8(bit % 8)
                    return changed
                }
                talk.run()
                // The last message can reach nobody but the client.
                let clientIsContent = talk.outcomes[true] != nil
                let wasChanged = number < talk.sent.count && bit / 8 < talk.sent[number].bytes.count
                #expect(!(wasChanged && clientIsContent), "message \(number), bit \(bit)")
                if number < 4 { #expect(!(wasChanged && talk.outcomes[false] != nil)) }
            }
        }
    }

    @Test func recordedProofsAreWorthNothing() {
        var talk = Conversation(client: Self.client(), server: Self.server())
        talk.run()
        let recorded = talk.sent.filter(\.isClient).flatMap(\.bytes)
        var server = Handshake(server: Self.manager, nonce: [UInt8](repeating: 0x77, count: 32))
        _ = server.handle(.start)
        let actions = server.handle(.received(recorded)) + server.handle(.key(Self.key))
        #expect(actions.last == .fail(.notAuthentic))
        // Nor does a server accept its own words.
        var mirror = Self.client()
        _ = mirror.handle(.start)
        let own = talk.sent.filter(\.isClient)[0].bytes
        guard case .fail = mirror.handle(.received(own)).last else {
            Issue.record("the client talks to itself")
            return
        }
    }

    @Test func versionsAndStrangers() {
        var server = Self.server()
        _ = server.handle(.start)
        #expect(server.handle(.received([UInt8]("GET / HTTP/1.1\r\n".utf8))) == [.fail(.notMartlet)])
        #expect(server.handle(.received([1])).isEmpty)
        var old = Self.server()
        _ = old.handle(.start)
        let preface = Handshake.magic + [0, 2, 0, 0]
        #expect(old.handle(.received(preface)) == [.send(Handshake.magic + [0, 1, 0, 0]), .fail(.version(major: 2))])
        var client = Self.client()
        _ = client.handle(.start)
        #expect(client.handle(.received(preface)).last == .fail(.version(major: 2)))
        // A later minor version is welcome.
        var later = Conversation(client: Self.client(), server: Self.server())
        var newer = Self.server()
        _ = newer.handle(.start)
        let actions = newer.handle(.received(Handshake.magic + [0, 1, 0, 9]))
        #expect(actions == [.send(Handshake.magic + [0, 1, 0, 0])])
        later.run()
        #expect(later.outcomes[true]?.minor == 0)
    }

    @Test func whatFollowsIsKept() {
        var talk = Conversation(client: Self.client(), server: Self.server())
        talk.tamper = { $0 == 4 ? $1 + [9, 8, 7] : $1 }
        talk.run()
        #expect(talk.outcomes[true]?.leftover == [9, 8, 7])
    }

    @Test func garbageIsRefusedWithinBounds() {
        for round in 0..<3000 {
            var handshake = round.isMultiple(of: 2) ? Self.server() : Self.client()
            _ = handshake.handle(.start)
            var bytes = randomBytes(Int.random(in: 0..<300))
            if round % 3 != 0 { bytes = Handshake.magic + [0, 1, 0, 0, 0, UInt8(bytes.count & 63)] + bytes }
            for byte in bytes.prefix(40) { _ = handshake.handle(.received([byte])) }
            let actions = handshake.handle(.received(Array(bytes.dropFirst(40)))) + handshake.handle(.key(nil))
            for case .done in actions { Issue.record("garbage was accepted") }
        }
        // One who sends on and on before the key is there.
        var talk = Conversation(client: Self.client(), server: Self.server())
        talk.run()
        var server = Self.server()
        _ = server.handle(.start)
        _ = server.handle(.received(talk.sent[0].bytes))
        #expect(
            server.handle(.received([UInt8](repeating: 0, count: 2000))).last.map { "\($0)" }?.contains("too much")
                == true)
    }
}
