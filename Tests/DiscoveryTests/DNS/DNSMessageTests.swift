import Platform
import Synchronization
import TestSupport
import Testing

@testable import Discovery

struct DNSMessageTests {
    /// What `dig +noad +bufsize=1232 web` sends, its cookie left out.
    static let query: [UInt8] = [
        0x12, 0x34, 0x01, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01,
        0x03, 0x77, 0x65, 0x62, 0x00, 0x00, 0x01, 0x00, 0x01,
        0x00, 0x00, 0x29, 0x04, 0xD0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    ]
    /// An answer to it: 10.0.1.2 for five seconds, the owner a pointer to the question.
    static let answer: [UInt8] = [
        0x12, 0x34, 0x85, 0x80, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01,
        0x03, 0x77, 0x65, 0x62, 0x00, 0x00, 0x01, 0x00, 0x01,
        0xC0, 0x0C, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00, 0x00, 0x05, 0x00, 0x04, 0x0A, 0x00, 0x01, 0x02,
        0x00, 0x00, 0x29, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    ]

    @Test func readsAndWritesAQuery() throws {
        let message = try DNSMessage(decoding: Self.query)
        #expect(message.id == 0x1234)
        #expect(try message.questions == [DNSQuestion(DomainName("web"), .a)])
        #expect(message.recursionDesired && !message.isResponse)
        #expect(message.edns == EDNS(udpPayloadSize: 1232))
        #expect(message.encoded() == Self.query)
    }

    @Test func writesAndReadsAnAnswer() throws {
        var answer = DNSMessage(answering: try DNSMessage(decoding: Self.query))
        answer.isAuthoritative = true
        let address = try #require(IPv4Address("10.0.1.2"))
        answer.answers = [ResourceRecord(try DomainName("web"), timeToLive: 5, .a(address))]
        answer.edns = EDNS(udpPayloadSize: 4096)
        #expect(answer.encoded() == Self.answer)
        #expect(try DNSMessage(decoding: Self.answer) == answer)
    }

    @Test func serviceRecordTargetIsNotCompressed() throws {
        var message = DNSMessage(id: 1)
        message.isResponse = true
        let name = try DomainName("_http._tcp.web")
        message.answers = [
            ResourceRecord(
                name, timeToLive: 0, .srv(priority: 1, weight: 2, port: 80, target: try DomainName("web")))
        ]
        #expect(
            message.encoded() == [
                0x00, 0x01, 0x80, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00,
                0x05, 0x5F, 0x68, 0x74, 0x74, 0x70, 0x04, 0x5F, 0x74, 0x63, 0x70, 0x03, 0x77, 0x65, 0x62, 0x00,
                0x00, 0x21, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0B,
                0x00, 0x01, 0x00, 0x02, 0x00, 0x50, 0x03, 0x77, 0x65, 0x62, 0x00,
            ])
        #expect(try DNSMessage(decoding: message.encoded()) == message)
    }

    @Test func everyRecordTypeRoundTripsCompressed() throws {
        var message = DNSMessage(id: 7)
        message.isResponse = true
        message.responseCode = .badVersion
        message.isAuthenticData = true
        message.isCheckingDisabled = true
        message.recursionAvailable = true
        message.edns = EDNS(
            udpPayloadSize: 1400, dnssecOK: true, options: [EDNS.Option(code: 10, data: [1, 2, 3, 4, 5, 6, 7, 8])])
        let web = try DomainName("web.app")
        let tasks = try DomainName("tasks.web.app")
        message.questions = [DNSQuestion(tasks, .any)]
        message.answers = [
            ResourceRecord(tasks, timeToLive: 5, .a(try #require(IPv4Address("10.0.0.1")))),
            ResourceRecord(tasks, timeToLive: 5, .aaaa(try #require(IPv6Address("fd00::1")))),
            ResourceRecord(tasks, timeToLive: 5, .cname(web)),
            ResourceRecord(tasks, timeToLive: 5, .ptr(web)),
            ResourceRecord(web, timeToLive: 5, .mx(preference: 10, exchange: tasks)),
            ResourceRecord(web, timeToLive: 5, .txt([Array("a=b".utf8), []])),
            ResourceRecord(web, timeToLive: .max, .other(type: RecordType(rawValue: 99), bytes: [0xC0, 0xFF])),
        ]
        message.authorities = [
            ResourceRecord(try DomainName("app"), timeToLive: 1, .ns(web)),
            ResourceRecord(
                try DomainName("app"), timeToLive: 1,
                .soa(
                    StartOfAuthority(
                        primary: web, mailbox: tasks, serial: 1, refresh: 2, retry: 3, expire: 4, minimum: 5))),
        ]
        message.additionals = [
            ResourceRecord(web, timeToLive: 1, .txt([[0xFF]]), class: RecordClass(rawValue: 3))
        ]
        message.additionals[0].data = .other(type: .txt, bytes: [1, 0xFF])
        let encoded = message.encoded()
        #expect(try DNSMessage(decoding: encoded) == message)
        #expect(encoded.count < 280)
    }

    @Test(arguments: ["a.a", "a.a.a.a.b", "9.0.0.10.in-addr.arpa", "ab.ab.abc.ab"])
    func aNameWithRepeatedLabelsRoundTrips(text: String) throws {
        let name = try DomainName(text)
        var message = DNSMessage(id: 1, query: DNSQuestion(name, .ptr))
        message.answers = try [
            ResourceRecord(name, timeToLive: 1, .ptr(DomainName("x.\(text)"))),
            ResourceRecord(DomainName("a.x.\(text)"), timeToLive: 1, .ptr(name)),
        ]
        #expect(try DNSMessage(decoding: message.encoded()) == message)
    }

    /// Names of few, short labels, so that suffixes are shared in every way.
    @Test(arguments: 0..<4)
    func randomMessagesRoundTrip(seed: UInt64) throws {
        var random = Seeded(seed)
        func name() throws -> DomainName {
            let labels = (0..<Int.random(in: 0...6, using: &random)).map { _ in
                ["a", "b", "ab", "A", "0", "longer-label"].randomElement(using: &random) ?? "a"
            }
            return try DomainName(labels: labels.map(\.utf8))
        }
        for _ in 0..<500 {
            var message = DNSMessage(id: random.next() > .max / 2 ? 1 : 2, query: DNSQuestion(try name(), .any))
            message.answers = try (0..<Int.random(in: 0...30, using: &random)).map { number in
                let data: RecordData =
                    switch number % 4 {
                    case 0: .ptr(try name())
                    case 1: .srv(priority: 1, weight: 2, port: 3, target: try name())
                    case 2: .a(IPv4Address(value: UInt32(number)))
                    default: .mx(preference: 1, exchange: try name())
                    }
                return ResourceRecord(try name(), timeToLive: 5, data)
            }
            let encoded = message.encoded()
            let decoded = try DNSMessage(decoding: encoded)
            #expect(decoded == message)
            // The spelling is kept, too.
            #expect(decoded.answers.map(\.name.wire) == message.answers.map(\.name.wire))
        }
    }

    @Test func whatDoesNotFitIsLeftOutAndSaidSo() throws {
        var message = DNSMessage(id: 1)
        message.isResponse = true
        message.questions = [DNSQuestion(try DomainName("tasks.web"), .a)]
        message.edns = EDNS(udpPayloadSize: 4096)
        message.answers = try (0..<100).map {
            ResourceRecord(try DomainName("tasks.web"), timeToLive: 5, .a(IPv4Address(value: 0x0A00_0000 + $0)))
        }
        let encoded = message.encoded(limit: DNSMessage.plainUDPLength)
        #expect(encoded.count <= 512 && encoded.count > 512 - 16)
        let decoded = try DNSMessage(decoding: encoded)
        #expect(decoded.isTruncated)
        #expect(decoded.answers == Array(message.answers.prefix(decoded.answers.count)))
        #expect(decoded.edns == message.edns)
        #expect(try !DNSMessage(decoding: message.encoded()).isTruncated)
    }

    @Test func pointersThatLoopOrRunAheadAreRefused() {
        let header: [UInt8] = [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
        let selfPointer = header + [0xC0, 0x0C, 0, 1, 0, 1]
        let mutual = header + [0xC0, 0x0E, 0xC0, 0x0C, 0, 1, 0, 1]
        let loopThroughLabel = header + [0x01, 0x61, 0xC0, 0x0C, 0, 1, 0, 1]
        let ahead = header + [0xC0, 0x20, 0, 1, 0, 1]
        for bytes in [selfPointer, mutual, loopThroughLabel, ahead] {
            #expect { try DNSMessage(decoding: bytes) } throws: {
                ($0 as? DNSFormatError)?.reason == .forwardPointer
            }
        }
    }

    @Test func namesGrownByPointersAreBounded() throws {
        // Thirty records, each owner one label and a pointer to the one before.
        var bytes: [UInt8] = [0, 1, 0x80, 0, 0, 0, 0, 30, 0, 0, 0, 0]
        var previous: Int?
        for _ in 0..<30 {
            let start = bytes.count
            bytes += [15] + Array("aaaaaaaaaaaaaaa".utf8)
            if let previous {
                bytes += [0xC0 | UInt8(previous >> 8), UInt8(previous & 0xFF)]
            } else {
                bytes.append(0)
            }
            bytes += [0, 16, 0, 1, 0, 0, 0, 0, 0, 0]
            previous = start
        }
        #expect { try DNSMessage(decoding: bytes) } throws: { ($0 as? DNSFormatError)?.reason == .nameTooLong }
    }

    /// A root name, pointers, labels that are too long, and counts.
    static let spice: [[UInt8]] = [
        [0], [0x3F], [0x40], [0xC0, 0x0C], [0xC0], [0xFF, 0xFF], [0, 0x29], [0, 1, 0, 1],
    ]

    @Test func garbageNeverTraps() async throws {
        let readable = Atomic(0)
        try await Mutator([Self.query, Self.answer], spice: Self.spice, seed: 1).feed { bytes, _ in
            guard let message = try? DNSMessage(decoding: bytes) else { return }
            readable.add(1, ordering: .relaxed)
            #expect((try? DNSMessage(decoding: message.encoded())) == message)
        }
        #expect(readable.load(ordering: .relaxed) > 0)
    }

    @Test func everyCutOfAMessageIsRefused() {
        for length in 0..<Self.answer.count {
            #expect(throws: DNSFormatError.self) { try DNSMessage(decoding: Array(Self.answer.prefix(length))) }
        }
        #expect(throws: DNSFormatError.self) { try DNSMessage(decoding: Self.answer + [0]) }
    }
}
