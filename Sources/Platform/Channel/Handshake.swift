/// How two nodes begin a connection: each proves by HMAC-SHA256 that it holds the same key, which is never sent.
///
/// A pure state machine: events in, actions out; nonces come from outside. On the wire, numbers big-endian:
/// ```
/// preface       "MARTLET" 0x00, major u16, minor u16                            both ways, first
/// message       length u16 (of type and body, at most 1,024), type u8, body
///  1 client hello   purpose u8, scheme u8 (1 = shared key), nonce 32, identity
///  2 server hello   nonce 32, identity
///  3 client proof   HMAC(key, "martlet/1 client" ‖ transcript)
///  4 server proof   HMAC(key, "martlet/1 server" ‖ transcript ‖ client proof)
/// 15 refusal        UTF-8, at most 256 bytes
/// identity      role u8, node id (length u8, bytes), cluster id (length u8, bytes)
/// transcript    SHA-256 of both prefaces and both hellos as sent, the client's first
/// session key   HKDF(key, salt: client nonce ‖ server nonce, info: "martlet/1 session" ‖ transcript)
/// ```
/// A higher minor version is content with a lower one; the lower of the two counts.
public struct Handshake: Sendable {
    public static let major: UInt16 = 1
    public static let minor: UInt16 = 0
    public static let nonceLength = 32
    /// The longest message: its type and body.
    public static let messageLimit = 1024
    /// The longest reason of a refusal.
    public static let reasonLimit = 256

    static let magic = [UInt8]("MARTLET\0".utf8)
    private static let prefaceLength = 12
    private static let sharedKeyScheme: UInt8 = 1

    /// What happens to a handshake.
    public enum Event: Sendable {
        case start
        case received([UInt8])
        /// The answer to `.lookUpKey`; nil: there is none.
        case key([UInt8]?)
    }

    /// What is to be done next, in order.
    public enum Action: Sendable, Hashable {
        case send([UInt8])
        /// Find the key of the one who claims to be this; then tell it by `.key`.
        case lookUpKey(claimed: PeerIdentity, purpose: ChannelPurpose)
        case done(Outcome)
        /// Close, after what was to be sent.
        case fail(ChannelError)
    }

    /// What both ends know after a good handshake.
    public struct Outcome: Sendable, Hashable {
        public let peer: PeerIdentity
        public let purpose: ChannelPurpose
        /// The lower of the two minor versions.
        public let minor: UInt16
        /// 32 bytes that only the two ends know.
        public let sessionKey: [UInt8]
        /// What the peer has sent beyond the handshake.
        public let leftover: [UInt8]
    }

    enum Kind: UInt8 {
        case clientHello = 1
        case serverHello = 2
        case clientProof = 3
        case serverProof = 4
        case refusal = 15
    }

    private enum Side: Sendable {
        case client(key: [UInt8], expecting: String?)
        case server
    }

    private enum State: Sendable {
        case idle
        case awaitingPreface
        case awaitingHello
        case awaitingKey
        case awaitingProof
        case over
    }

    private let side: Side
    private let identity: PeerIdentity
    private let nonce: [UInt8]
    private var state = State.idle
    private var buffer: [UInt8] = []
    private var purpose: ChannelPurpose?
    private var minor: UInt16 = 0
    private var peer: PeerIdentity?
    private var peerNonce: [UInt8] = []
    private var ownBytes: [UInt8] = []
    private var peerBytes: [UInt8] = []
    private var key: [UInt8] = []
    private var isKeyKnown = true
    private var clientProof: [UInt8] = []

    /// The end that connects. `expecting` is the node id that must answer; nil for any.
    public init(
        client identity: PeerIdentity, purpose: ChannelPurpose, key: [UInt8], nonce: [UInt8],
        expecting nodeID: String? = nil
    ) {
        precondition(nonce.count == Self.nonceLength, "a nonce of \(nonce.count) bytes")
        side = .client(key: key, expecting: nodeID)
        self.identity = identity
        self.nonce = nonce
        self.purpose = purpose
    }

    /// The end that was connected to.
    public init(server identity: PeerIdentity, nonce: [UInt8]) {
        precondition(nonce.count == Self.nonceLength, "a nonce of \(nonce.count) bytes")
        side = .server
        self.identity = identity
        self.nonce = nonce
    }

    /// Takes an event; after `.done` or `.fail` nothing happens any more.
    public mutating func handle(_ event: Event) -> [Action] {
        do {
            switch event {
            case .start: return start()
            case .received(let bytes):
                if case .over = state { return [] }
                buffer += bytes
                return try advance()
            case .key(let key): return try takeKey(key)
            }
        } catch {
            state = .over
            return refusal(of: error).map { [.send($0), .fail(error)] } ?? [.fail(error)]
        }
    }

    private mutating func start() -> [Action] {
        guard case .idle = state else { return [] }
        state = .awaitingPreface
        ownBytes = Self.magic + Wire.u16(Self.major) + Wire.u16(Self.minor)
        if case .client = side, let purpose {
            let hello = Self.message(
                .clientHello, [purpose.rawValue, Self.sharedKeyScheme] + nonce + Self.encode(identity))
            ownBytes += hello
        }
        // A server shows its version only to one that speaks the protocol.
        if case .server = side { return [] }
        return [.send(ownBytes)]
    }

    private mutating func advance() throws(ChannelError) -> [Action] {
        var actions: [Action] = []
        while true {
            switch state {
            case .awaitingPreface:
                guard try takePreface() else { return actions }
                if case .server = side { actions.append(.send(ownBytes)) }
                state = .awaitingHello
            case .awaitingHello:
                guard let (kind, body) = try takeMessage(isHello: true) else { return actions }
                actions += try takeHello(kind, body)
            case .awaitingProof:
                guard let (kind, body) = try takeMessage(isHello: false) else { return actions }
                actions += try takeProof(kind, body)
            case .idle, .awaitingKey, .over:
                // A client that talks on before it is asked fills no memory here.
                if buffer.count > Self.messageLimit + 2 { throw .malformed("handshake: too much at once") }
                return actions
            }
            if case .over = state { return actions }
        }
    }

    // MARK: What comes in

    private mutating func takePreface() throws(ChannelError) -> Bool {
        guard zip(buffer, Self.magic).allSatisfy({ $0 == $1 }) else { throw .notMartlet }
        guard buffer.count >= Self.prefaceLength else { return false }
        var reader = WireReader(buffer[Self.magic.count..<Self.prefaceLength])
        guard let major = reader.u16(), let minor = reader.u16() else { return false }
        guard major == Self.major else { throw .version(major: major) }
        self.minor = min(minor, Self.minor)
        peerBytes = Array(buffer.prefix(Self.prefaceLength))
        buffer.removeFirst(Self.prefaceLength)
        return true
    }

    private mutating func takeMessage(isHello: Bool) throws(ChannelError) -> (UInt8, ArraySlice<UInt8>)? {
        var reader = WireReader(buffer[...])
        guard let length = reader.u16() else { return nil }
        guard (1...Self.messageLimit).contains(Int(length)) else {
            throw .malformed("handshake message of \(length) bytes")
        }
        guard let message = reader.bytes(Int(length)), let kind = message.first else { return nil }
        if isHello { peerBytes += buffer.prefix(2 + Int(length)) }
        buffer.removeFirst(2 + Int(length))
        let body = message.dropFirst()
        if kind == Kind.refusal.rawValue {
            throw .refused(Terminal.harmless(String(decoding: body.prefix(Self.reasonLimit), as: UTF8.self)))
        }
        return (kind, body)
    }

    private mutating func takeHello(_ kind: UInt8, _ body: ArraySlice<UInt8>) throws(ChannelError) -> [Action] {
        var reader = WireReader(body)
        switch side {
        case .server:
            guard kind == Kind.clientHello.rawValue else { throw .malformed("handshake: message \(kind)") }
            guard let number = reader.u8(), let scheme = reader.u8(), let nonce = reader.bytes(Self.nonceLength),
                let claimed = Self.identity(&reader), reader.isAtEnd
            else { throw .malformed("client hello") }
            guard let purpose = ChannelPurpose(rawValue: number) else { throw .malformed("purpose \(number)") }
            guard scheme == Self.sharedKeyScheme else { throw .malformed("authentication scheme \(scheme)") }
            (self.purpose, peer, peerNonce) = (purpose, claimed, Array(nonce))
            state = .awaitingKey
            return [.lookUpKey(claimed: claimed, purpose: purpose)]
        case .client(let key, let expected):
            guard kind == Kind.serverHello.rawValue else { throw .malformed("handshake: message \(kind)") }
            guard let nonce = reader.bytes(Self.nonceLength), let claimed = Self.identity(&reader), reader.isAtEnd
            else { throw .malformed("server hello") }
            if let expected, expected != claimed.nodeID {
                throw .wrongPeer(expected: "node \(expected)", found: "\(claimed)")
            }
            if !identity.clusterID.isEmpty, identity.clusterID != claimed.clusterID {
                throw .wrongPeer(expected: "cluster \(identity.clusterID)", found: "\(claimed)")
            }
            (peer, peerNonce, self.key) = (claimed, Array(nonce), key)
            clientProof = proof(of: "client", extra: [])
            state = .awaitingProof
            return [.send(Self.message(.clientProof, clientProof))]
        }
    }

    private mutating func takeKey(_ key: [UInt8]?) throws(ChannelError) -> [Action] {
        guard case .awaitingKey = state else { return [] }
        // Without a key it goes on all the same with one that nobody has: who asks learns nothing of which nodes there are.
        self.key = key ?? randomBytes(Digest.length)
        isKeyKnown = key != nil
        state = .awaitingProof
        let hello = Self.message(.serverHello, nonce + Self.encode(identity))
        ownBytes += hello
        return [.send(hello)] + (try advance())
    }

    private mutating func takeProof(_ kind: UInt8, _ body: ArraySlice<UInt8>) throws(ChannelError) -> [Action] {
        guard let peer, let purpose else { throw .malformed("handshake") }
        let given = Array(body)
        var actions: [Action] = []
        switch side {
        case .server:
            guard kind == Kind.clientProof.rawValue else { throw .malformed("handshake: message \(kind)") }
            guard Digest.constantTimeEqual(given, proof(of: "client", extra: [])), isKeyKnown else {
                throw .notAuthentic
            }
            actions.append(.send(Self.message(.serverProof, proof(of: "server", extra: given))))
        case .client:
            guard kind == Kind.serverProof.rawValue else { throw .malformed("handshake: message \(kind)") }
            guard Digest.constantTimeEqual(given, proof(of: "server", extra: clientProof)) else { throw .notAuthentic }
        }
        state = .over
        let salt = isClient ? nonce + peerNonce : peerNonce + nonce
        let sessionKey = HKDF.sha256(
            secret: key, salt: salt, info: [UInt8]("martlet/\(Self.major) session".utf8) + transcript)
        let outcome = Outcome(peer: peer, purpose: purpose, minor: minor, sessionKey: sessionKey, leftover: buffer)
        return actions + [.done(outcome)]
    }

    // MARK: What goes out

    private var isClient: Bool { if case .client = side { true } else { false } }

    private var transcript: [UInt8] {
        Digest.sha256(isClient ? ownBytes + peerBytes : peerBytes + ownBytes)
    }

    private func proof(of side: String, extra: [UInt8]) -> [UInt8] {
        Digest.hmacSHA256(
            key: key, message: [UInt8]("martlet/\(Self.major) \(side)".utf8) + transcript + extra)
    }

    /// What the other end is told of a failure; nothing where it would not understand, or has told it itself.
    private func refusal(of error: ChannelError) -> [UInt8]? {
        switch error {
        case .notMartlet, .refused: return nil
        case .version:
            // The preface says which version would be welcome.
            return isClient ? nil : ownBytes
        default: return Self.message(.refusal, Array("\(error)".utf8.prefix(Self.reasonLimit)))
        }
    }

    private static func message(_ kind: Kind, _ body: [UInt8]) -> [UInt8] {
        Wire.u16(UInt16(truncatingIfNeeded: body.count + 1)) + [kind.rawValue] + body
    }

    private static func encode(_ identity: PeerIdentity) -> [UInt8] {
        [identity.role.rawValue] + Wire.short(identity.nodeID) + Wire.short(identity.clusterID)
    }

    private static func identity(_ reader: inout WireReader) -> PeerIdentity? {
        guard let number = reader.u8(), let role = PeerIdentity.Role(rawValue: number),
            let nodeID = reader.short(), let clusterID = reader.short(),
            PeerIdentity.isIdentifier(nodeID), PeerIdentity.isIdentifier(clusterID)
        else { return nil }
        return PeerIdentity(nodeID: nodeID, role: role, clusterID: clusterID)
    }
}
