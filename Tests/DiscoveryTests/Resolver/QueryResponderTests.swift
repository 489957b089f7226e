import Model
import Platform
import TestSupport
import Testing

@testable import Discovery

struct QueryResponderTests {
    static func ask(
        _ name: String, _ type: RecordType = .a, over transport: QueryResponder.Transport = .udp, edns: EDNS? = nil,
        view: NameView? = nil, change: (inout DNSMessage) -> Void = { _ in }
    ) throws -> DNSMessage? {
        var random = Seeded(1)
        var query = DNSMessage(id: 77, query: DNSQuestion(try DomainName(name), type), edns: edns)
        change(&query)
        let view = try view ?? NameTableTests.view(["net-a"])
        switch QueryResponder.respond(to: query.encoded(), over: transport, view: view, using: &random) {
        case .reply(let bytes):
            if transport == .udp { #expect(bytes.count <= Int(edns?.udpPayloadSize ?? 512)) }
            return try DNSMessage(decoding: bytes)
        case .forward(let forwarded):
            #expect(forwarded == query)
            return nil
        case .ignore:
            Issue.record("ignored")
            return nil
        }
    }

    @Test func anAddressIsAnswered() throws {
        let reply = try #require(try Self.ask("WeB"))
        #expect(reply.id == 77 && reply.isResponse && reply.isAuthoritative && reply.recursionAvailable)
        #expect(reply.recursionDesired && !reply.isTruncated && reply.responseCode == .noError && reply.edns == nil)
        #expect(reply.questions[0].name.description == "WeB")
        #expect(reply.answers.map(\.data) == [.a(try #require(IPv4Address("10.0.1.2")))])
        #expect(reply.answers.allSatisfy { $0.timeToLive <= 5 })
    }

    @Test func anotherTypeOfAKnownNameIsNoData() throws {
        for type in [RecordType.aaaa, .mx, .txt, .srv, .cname, RecordType(rawValue: 65)] {
            let reply = try #require(try Self.ask("web", type))
            #expect(reply.responseCode == .noError && reply.answers.isEmpty)
        }
    }

    @Test func pointersAreAnsweredAndUnknownOnesDenied() throws {
        let reply = try #require(try Self.ask("11.1.0.10.in-addr.arpa", .ptr))
        #expect(reply.answers.map(\.data) == [.ptr(try DomainName("web.1.t1.app"))])
        let denied = try #require(try Self.ask("99.1.0.10.in-addr.arpa", .ptr))
        #expect(denied.responseCode == .noSuchName && denied.answers.isEmpty)
    }

    @Test func foreignNamesAreForwarded() throws {
        #expect(try Self.ask("example.com") == nil)
        #expect(try Self.ask("nosuch") == nil)
    }

    @Test func theOrderIsRandom() throws {
        var random = Seeded(3)
        let query = DNSMessage(id: 1, query: DNSQuestion(try DomainName("tasks.web"), .a)).encoded()
        let view = try NameTableTests.view(["net-a"])
        var firsts: [RecordData: Int] = [:]
        for _ in 0..<200 {
            guard case .reply(let bytes) = QueryResponder.respond(to: query, over: .udp, view: view, using: &random)
            else { continue }
            let reply = try DNSMessage(decoding: bytes)
            #expect(reply.answers.count == 2)
            firsts[reply.answers[0].data, default: 0] += 1
        }
        #expect(firsts.count == 2 && firsts.values.allSatisfy { $0 > 60 })
    }

    @Test func longAnswersAreCutOverUDPAndWholeOverTCP() throws {
        let addresses = (0..<500).map { HostAddress.ipv4(IPv4Address(value: 0x0A01_0000 + $0)) }
        let names = NetworkNames(id: "n", name: "app", entries: [NameEntry(name: "big", addresses: addresses)])
        let view = NameTable(NameState(networks: [names])).view(of: ["n"])
        let plain = try #require(try Self.ask("big", view: view))
        #expect(plain.isTruncated && plain.answers.count >= 29)
        let large = try #require(try Self.ask("big", edns: EDNS(udpPayloadSize: 65_535), view: view))
        #expect(large.isTruncated && large.answers.count > 200 && large.answers.count < 260)
        #expect(large.edns?.udpPayloadSize == 4_096)
        let small = try #require(try Self.ask("big", edns: EDNS(udpPayloadSize: 600), view: view))
        #expect(small.isTruncated && small.answers.count < 40)
        let whole = try #require(try Self.ask("big", over: .tcp, view: view))
        #expect(!whole.isTruncated && whole.answers.count == 500)
    }

    @Test func whatIsNotSupportedIsRefused() throws {
        #expect(try Self.ask("web", edns: EDNS(udpPayloadSize: 1_232, version: 1))?.responseCode == .badVersion)
        #expect(try Self.ask("web", .axfr)?.responseCode == .refused)
        #expect(try Self.ask("web") { $0.opcode = 4 }?.responseCode == .notImplemented)
        #expect(try Self.ask("web") { $0.questions = [] }?.responseCode == .formatError)
        #expect(try Self.ask("web") { $0.questions += $0.questions }?.responseCode == .formatError)
        #expect(
            try Self.ask("web") { $0.questions[0].recordClass = RecordClass(rawValue: 3) }?.responseCode == .refused)
    }

    @Test func answersAndScrapsAreIgnored() throws {
        var random = Seeded(1)
        let view = try NameTableTests.view(["net-a"])
        var answer = DNSMessage(id: 1, query: DNSQuestion(try DomainName("web"), .a))
        answer.isResponse = true
        for bytes in [answer.encoded(), [], [1], Array(repeating: 0, count: 11)] {
            #expect(QueryResponder.respond(to: bytes, over: .udp, view: view, using: &random) == .ignore)
        }
    }

    @Test func unreadableQueriesGetAFormatError() throws {
        var random = Seeded(1)
        let bytes: [UInt8] = [0xAB, 0xCD, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0, 0xC0]
        guard
            case .reply(let reply) = QueryResponder.respond(
                to: bytes, over: .udp, view: try NameTableTests.view([]), using: &random)
        else {
            Issue.record("no reply")
            return
        }
        let message = try DNSMessage(decoding: reply)
        #expect(message.id == 0xABCD && message.responseCode == .formatError && message.recursionDesired)
    }

    @Test(arguments: 0..<6)
    func garbageIsAnsweredOrIgnored(seed: UInt64) throws {
        var random = Seeded(seed)
        let view = try NameTableTests.view(["net-a"])
        let queries = try ["tasks.web", "11.1.1.1.in-addr.arpa", "11.1.0.10.in-addr.arpa", "a.a.web.app"].map {
            DNSMessage(id: 5, query: DNSQuestion(try DomainName($0), .any), edns: EDNS(udpPayloadSize: 1_232)).encoded()
        }
        var mutator = Mutator(queries, spice: DNSMessageTests.spice, seed: seed)
        for _ in 0..<4_000 {
            let bytes = mutator.next()
            guard case .reply(let reply) = QueryResponder.respond(to: bytes, over: .udp, view: view, using: &random)
            else { continue }
            let message = try DNSMessage(decoding: reply)
            #expect(message.isResponse && reply[0] == bytes[0] && reply[1] == bytes[1])
        }
    }
}
