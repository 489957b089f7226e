import Platform
import Testing

@testable import Discovery

struct ForwardedQueryTests {
    static func query() throws -> DNSMessage {
        DNSMessage(id: 0x1111, query: DNSQuestion(try DomainName("example.com"), .a))
    }

    static func answer(_ code: ResponseCode = .noError, id: UInt16, name: String = "Example.com") throws -> DNSMessage {
        var answer = DNSMessage(answering: try query(), code)
        answer.id = id
        answer.questions = [DNSQuestion(try DomainName(name), .a)]
        return answer
    }

    @Test func anAnswerIsGivenUnderTheClientsID() throws {
        var forwarded = ForwardedQuery(try Self.query(), bytes: try Self.query().encoded(), servers: 1)
        #expect(Array(forwarded.request(id: 0x2222).prefix(2)) == [0x22, 0x22])
        guard case .accept(let bytes) = forwarded.judge(try Self.answer(id: 0x2222).encoded(), id: 0x2222) else {
            Issue.record("not accepted")
            return
        }
        #expect(try DNSMessage(decoding: bytes).id == 0x1111)
    }

    @Test func whatDoesNotAnswerTheQuestionIsIgnored() throws {
        var forwarded = ForwardedQuery(try Self.query(), bytes: try Self.query().encoded(), servers: 1)
        #expect(forwarded.judge(try Self.answer(id: 3).encoded(), id: 4) == .ignore)
        #expect(forwarded.judge(try Self.answer(id: 4, name: "evil.com").encoded(), id: 4) == .ignore)
        #expect(forwarded.judge(try Self.query().encoded(), id: 0x1111) == .ignore)
        #expect(forwarded.judge([1, 2, 3], id: 4) == .ignore)
    }

    @Test func aFailingServerIsPassedOverAndItsAnswerKept() throws {
        var forwarded = ForwardedQuery(try Self.query(), bytes: try Self.query().encoded(), servers: 2)
        #expect(forwarded.fallback == nil)
        #expect(forwarded.judge(try Self.answer(.serverFailure, id: 9).encoded(), id: 9) == .next)
        let fallback = try #require(forwarded.fallback)
        #expect(try DNSMessage(decoding: fallback).responseCode == .serverFailure)
        guard case .accept = forwarded.judge(try Self.answer(.noSuchName, id: 9).encoded(), id: 9) else {
            Issue.record("a denial is an answer")
            return
        }
    }

    @Test func serversAreAskedInTurnAndNotForEver() throws {
        func order(_ servers: Int) throws -> [Int] {
            var forwarded = ForwardedQuery(try Self.query(), bytes: try Self.query().encoded(), servers: servers)
            var order: [Int] = []
            while let next = forwarded.nextServer() { order.append(next) }
            return order
        }
        #expect(try order(0) == [])
        #expect(try order(1) == [0, 0])
        #expect(try order(3) == [0, 1, 2, 0])
        #expect(try order(8) == [0, 1, 2, 3])
    }

    @Test func nameserversAreReadFromResolvConf() throws {
        let text = """
            # nameserver 9.9.9.9
            search example.com
            nameserver 10.0.0.1
            \tnameserver   ::1  # local
            nameserver nonsense
            nameserver
            options ndots:2
            """
        let expected: [SocketAddress] = [.ipv4(try #require(IPv4Address("10.0.0.1")), 53), .ipv6(.loopback, 53)]
        #expect(UpstreamServers(resolvConf: text).servers == expected)
        let many = (0..<50).map { "nameserver 10.0.0.\($0)" }.joined(separator: "\n")
        #expect(UpstreamServers(resolvConf: many).servers.count == 8)
    }

    @Test func flagsAreRead() throws {
        let options = try ResolverCommand.parse([
            "--run-dir", "/run/x", "--upstream", "10.0.0.1", "--upstream", "10.0.0.2:5353", "--log-level", "debug",
        ])
        #expect(options.runDirectory == "/run/x" && options.logLevel == .debug)
        #expect(options.upstreams.map(\.description) == ["10.0.0.1:53", "10.0.0.2:5353"])
        for wrong in [
            [], ["--run-dir"], ["--nope", "x"], ["--run-dir", "x", "--upstream", "host"],
            ["--run-dir", "x", "--upstream", "unix:///x"], ["--run-dir", "x", "--log-level", "loud"],
        ] {
            #expect(throws: ResolverError.self) { try ResolverCommand.parse(wrong) }
        }
    }
}
