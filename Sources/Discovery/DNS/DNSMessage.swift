/// One DNS message (RFC 1035, 4; RFC 6891).
public struct DNSMessage: Equatable, Sendable {
    /// Bytes of the largest message: what the length before a message on TCP can say (RFC 1035, 4.2.2).
    public static let maximumLength = 65_535
    /// Bytes of the largest UDP message to a client without EDNS.
    public static let plainUDPLength = 512
    /// Bytes of the header.
    public static let headerLength = 12

    public var id: UInt16
    public var isResponse = false
    /// 0 is a standard query.
    public var opcode: UInt8 = 0
    public var isAuthoritative = false
    public var isTruncated = false
    public var recursionDesired = false
    public var recursionAvailable = false
    /// AD and CD of RFC 4035.
    public var isAuthenticData = false
    public var isCheckingDisabled = false
    public var responseCode = ResponseCode.noError
    public var questions: [DNSQuestion] = []
    public var answers: [ResourceRecord] = []
    public var authorities: [ResourceRecord] = []
    /// Without the OPT record, which is `edns`.
    public var additionals: [ResourceRecord] = []
    public var edns: EDNS?

    public init(id: UInt16) {
        self.id = id
    }

    /// A query for one name that asks for recursion.
    public init(id: UInt16, query question: DNSQuestion, edns: EDNS? = nil) {
        self.id = id
        self.recursionDesired = true
        self.questions = [question]
        self.edns = edns
    }

    /// An answer to `query` that has nothing in it yet: same id, opcode, question and flags that an answer repeats.
    public init(answering query: DNSMessage, _ responseCode: ResponseCode = .noError) {
        id = query.id
        isResponse = true
        opcode = query.opcode
        recursionDesired = query.recursionDesired
        recursionAvailable = true
        isCheckingDisabled = query.isCheckingDisabled
        questions = query.questions
        self.responseCode = responseCode
    }

    /// Reads a whole message; bytes after it are an error, so that nothing hides there.
    public init(decoding bytes: [UInt8]) throws(DNSFormatError) {
        guard bytes.count <= DNSMessage.maximumLength else { throw DNSFormatError(.messageTooLong, at: bytes.count) }
        var reader = DNSReader(bytes)
        id = try reader.uint16()
        let flags = try reader.uint16()
        let counts = (try reader.uint16(), try reader.uint16(), try reader.uint16(), try reader.uint16())
        set(flags: flags)
        for _ in 0..<counts.0 {
            questions.append(try reader.question())
        }
        answers = try DNSMessage.records(counts.1, &reader)
        authorities = try DNSMessage.records(counts.2, &reader)
        try readAdditionals(counts.3, &reader)
        guard reader.isAtEnd else { throw DNSFormatError(.trailingBytes, at: reader.offset) }
    }

    /// The message in at most `limit` bytes. Records that do not fit are left out, from the first on that does not; when
    /// one of them is an answer or an authority, TC is set (RFC 2181, 9). Questions and OPT are always written.
    public func encoded(limit: Int = DNSMessage.maximumLength) -> [UInt8] {
        var writer = DNSWriter(limit: min(limit, DNSMessage.maximumLength))
        writer.append(id)
        writer.append(flags(truncated: isTruncated))
        writer.append(UInt16(truncatingIfNeeded: questions.count))
        for _ in 0..<3 {
            writer.append(UInt16(0))
        }
        for question in questions {
            writer.append(question)
        }
        let reserve = edns?.encodedLength ?? 0
        var written = (answers: 0, authorities: 0, additionals: 0)
        written.answers = DNSMessage.append(answers, to: &writer, reserve: reserve)
        var cut = written.answers < answers.count
        if !cut {
            written.authorities = DNSMessage.append(authorities, to: &writer, reserve: reserve)
            cut = written.authorities < authorities.count
        }
        if !cut {
            written.additionals = DNSMessage.append(additionals, to: &writer, reserve: reserve)
        }
        if let edns {
            writer.append(edns, extendedCode: UInt8(truncatingIfNeeded: responseCode.rawValue >> 4))
        }
        writer.set(flags(truncated: isTruncated || cut), at: 2)
        writer.set(UInt16(written.answers), at: 6)
        writer.set(UInt16(written.authorities), at: 8)
        writer.set(UInt16(written.additionals + (edns == nil ? 0 : 1)), at: 10)
        return writer.bytes
    }

    private func flags(truncated: Bool) -> UInt16 {
        var flags = UInt16(opcode & 0xF) << 11 | responseCode.rawValue & 0xF
        if isResponse { flags |= 0x8000 }
        if isAuthoritative { flags |= 0x0400 }
        if truncated { flags |= 0x0200 }
        if recursionDesired { flags |= 0x0100 }
        if recursionAvailable { flags |= 0x0080 }
        if isAuthenticData { flags |= 0x0020 }
        if isCheckingDisabled { flags |= 0x0010 }
        return flags
    }

    private mutating func set(flags: UInt16) {
        isResponse = flags & 0x8000 != 0
        opcode = UInt8(truncatingIfNeeded: flags >> 11 & 0xF)
        isAuthoritative = flags & 0x0400 != 0
        isTruncated = flags & 0x0200 != 0
        recursionDesired = flags & 0x0100 != 0
        recursionAvailable = flags & 0x0080 != 0
        isAuthenticData = flags & 0x0020 != 0
        isCheckingDisabled = flags & 0x0010 != 0
        responseCode = ResponseCode(rawValue: flags & 0xF)
    }

    private static func records(
        _ count: UInt16, _ reader: inout DNSReader
    ) throws(DNSFormatError) -> [ResourceRecord] {
        var records: [ResourceRecord] = []
        for _ in 0..<count {
            let start = reader.offset
            let name = try reader.name()
            let type = RecordType(rawValue: try reader.uint16())
            guard type != .opt else { throw DNSFormatError(.misplacedOPT, at: start) }
            records.append(try reader.record(name, type))
        }
        return records
    }

    private mutating func readAdditionals(_ count: UInt16, _ reader: inout DNSReader) throws(DNSFormatError) {
        for _ in 0..<count {
            let start = reader.offset
            let name = try reader.name()
            let type = RecordType(rawValue: try reader.uint16())
            guard type == .opt else {
                additionals.append(try reader.record(name, type))
                continue
            }
            guard edns == nil else { throw DNSFormatError(.duplicateOPT, at: start) }
            guard name == .root else { throw DNSFormatError(.misplacedOPT, at: start) }
            let (options, extendedCode) = try reader.edns()
            edns = options
            responseCode = ResponseCode(rawValue: UInt16(extendedCode) << 4 | responseCode.rawValue)
        }
    }

    private static func append(_ records: [ResourceRecord], to writer: inout DNSWriter, reserve: Int) -> Int {
        for (index, record) in records.enumerated() {
            guard writer.appendIfFitting(record, reserve: reserve) else { return index }
        }
        return records.count
    }
}
