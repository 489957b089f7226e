import Platform

/// What to do about a query from a sandbox. Pure.
struct QueryResponder {
    /// Seconds for which clients may keep an answer.
    static let timeToLive: UInt32 = 5
    /// Bytes of the largest UDP answer, whatever a client says it takes; said to clients as our own limit, too.
    static let udpLimit: UInt16 = 4_096

    enum Transport: Sendable {
        case udp
        case tcp
    }

    enum Action: Equatable {
        case reply([UInt8])
        /// Not ours to answer.
        case forward(DNSMessage)
        /// Not a query: answering could start a loop.
        case ignore
    }

    /// The answer to `bytes` by what `view` shows, its records in an order drawn from `random`.
    static func respond(
        to bytes: [UInt8], over transport: Transport, view: NameView, using random: inout some RandomNumberGenerator
    ) -> Action {
        guard bytes.count >= DNSMessage.headerLength, bytes[2] & 0x80 == 0 else { return .ignore }
        let query: DNSMessage
        do {
            query = try DNSMessage(decoding: bytes)
        } catch {
            return .reply(refusal(ofUnreadable: bytes))
        }
        var reply = DNSMessage(answering: query)
        if let edns = query.edns {
            reply.edns = EDNS(udpPayloadSize: udpLimit, dnssecOK: edns.dnssecOK)
        }
        if let code = refusal(of: query) {
            reply.responseCode = code
            return .reply(encode(reply, to: query, transport))
        }
        let question = query.questions[0]
        reply.isAuthoritative = true
        switch view.resolve(question.name) {
        case .foreign:
            return .forward(query)
        case .absent:
            reply.responseCode = .noSuchName
        case .pointer(let target):
            if question.type == .ptr || question.type == .any {
                reply.answers = [ResourceRecord(question.name, timeToLive: timeToLive, .ptr(target))]
            }
        case .addresses(let addresses):
            reply.answers = records(question, addresses, using: &random)
        }
        return .reply(encode(reply, to: query, transport))
    }

    /// A reply to `query` without records, for what went wrong behind it.
    static func failure(of query: DNSMessage, _ code: ResponseCode, over transport: Transport) -> [UInt8] {
        var reply = DNSMessage(answering: query, code)
        if query.edns != nil {
            reply.edns = EDNS(udpPayloadSize: udpLimit)
        }
        return encode(reply, to: query, transport)
    }

    private static func records(
        _ question: DNSQuestion, _ addresses: NameTable.Addresses, using random: inout some RandomNumberGenerator
    ) -> [ResourceRecord] {
        var data: [RecordData] = []
        if question.type == .a || question.type == .any {
            data += addresses.ipv4.map { .a($0) }
        }
        if question.type == .aaaa || question.type == .any {
            data += addresses.ipv6.map { .aaaa($0) }
        }
        if data.count > 1 {
            data.shuffle(using: &random)
        }
        return data.map { ResourceRecord(question.name, timeToLive: timeToLive, $0) }
    }

    /// Why a well-formed query is not answered at all; nil if it is.
    private static func refusal(of query: DNSMessage) -> ResponseCode? {
        if let edns = query.edns, edns.version != 0 { return .badVersion }
        if query.opcode != 0 { return .notImplemented }
        guard query.questions.count == 1, let question = query.questions.first else { return .formatError }
        guard question.recordClass == .internet || question.recordClass == .any else { return .refused }
        // Zone transfers: AXFR, and IXFR (251).
        if question.type == .axfr || question.type.rawValue == 251 { return .refused }
        return nil
    }

    private static func encode(_ reply: DNSMessage, to query: DNSMessage, _ transport: Transport) -> [UInt8] {
        switch transport {
        case .tcp:
            return reply.encoded()
        case .udp:
            let size = query.edns.map { min(max($0.udpPayloadSize, 512), udpLimit) }
            return reply.encoded(limit: size.map { Int($0) } ?? DNSMessage.plainUDPLength)
        }
    }

    /// FORMERR with the id, opcode and RD of a query whose rest cannot be read.
    private static func refusal(ofUnreadable bytes: [UInt8]) -> [UInt8] {
        [
            bytes[0], bytes[1], 0x80 | bytes[2] & 0x79,
            0x80 | UInt8(truncatingIfNeeded: ResponseCode.formatError.rawValue),
        ]
            + [0, 0, 0, 0, 0, 0, 0, 0]
    }
}
