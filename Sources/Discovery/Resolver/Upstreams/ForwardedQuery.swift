/// One query on its way through the upstream servers: which is asked next, what counts as an answer. Pure.
struct ForwardedQuery {
    /// How often a query is asked at most, over all servers.
    static let maximumAttempts = 4
    /// How long one server is waited for; four of them are less than the 5 s that the C library waits for us.
    static let attemptTimeout = Duration.milliseconds(1_100)

    let query: DNSMessage
    /// As the client sent it.
    let bytes: [UInt8]
    private let servers: Int
    private var attempts = 0
    /// The best answer so far that did not settle the matter: a SERVFAIL or REFUSED, in the client's terms.
    private(set) var fallback: [UInt8]?

    enum Verdict: Equatable {
        /// Give it to the client.
        case accept([UInt8])
        /// This server cannot answer: ask the next.
        case next
        /// Not an answer to our question: wait on.
        case ignore
    }

    init(_ query: DNSMessage, bytes: [UInt8], servers: Int) {
        self.query = query
        self.bytes = bytes
        self.servers = servers
    }

    /// The server to ask now; nil when all has been tried. Each server once, then from the first again.
    mutating func nextServer() -> Int? {
        guard servers > 0, attempts < min(ForwardedQuery.maximumAttempts, servers * 2) else { return nil }
        defer { attempts += 1 }
        return attempts % servers
    }

    /// The query under another id.
    func request(id: UInt16) -> [UInt8] {
        withID(id, bytes)
    }

    /// Judges what came from a server that was asked under `id`.
    mutating func judge(_ answer: [UInt8], id: UInt16) -> Verdict {
        guard let message = try? DNSMessage(decoding: answer), message.isResponse, message.id == id,
            message.opcode == query.opcode
        else { return .ignore }
        let isOurs = message.questions == query.questions
        // A server that cannot read the query at all may leave the question out.
        let isBareError = message.questions.isEmpty && message.responseCode != .noError
        guard isOurs || isBareError else { return .ignore }
        let reply = withID(query.id, answer)
        switch message.responseCode {
        case .serverFailure, .refused, .notImplemented, .formatError:
            fallback = fallback ?? reply
            return .next
        default:
            return .accept(reply)
        }
    }

    private func withID(_ id: UInt16, _ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        bytes[0] = UInt8(truncatingIfNeeded: id >> 8)
        bytes[1] = UInt8(truncatingIfNeeded: id)
        return bytes
    }
}
