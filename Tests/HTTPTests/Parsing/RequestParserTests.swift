import Synchronization
import TestSupport
import Testing

@testable import HTTP

@Suite struct RequestParserTests {
    static let good: [(String, [ParsedRequest])] = [
        (
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            [ParsedRequest(method: "GET", target: "/", headers: ["Host: a"], body: [], keepAlive: true)]
        ),
        (
            "\r\nGET /x?y=%20z HTTP/1.1\r\nhOST:\t a \t\r\nConnection: foo , Close\r\n\r\n",
            [
                ParsedRequest(
                    method: "GET", target: "/x?y=%20z", headers: ["Host: a", "Connection: foo , Close"], body: [],
                    keepAlive: false)
            ]
        ),
        (
            "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET /b HTTP/1.0\r\n\r\n",
            [
                ParsedRequest(
                    method: "POST", target: "/a", headers: ["Host: a", "Content-Length: 5"],
                    body: Array("hello".utf8), keepAlive: true),
                ParsedRequest(method: "GET", target: "/b", headers: [], body: [], keepAlive: false),
            ]
        ),
        (
            "PUT /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
                + "5\r\nhello\r\n00A ; x=y\r\n, wor\r\nld\n\r\n0\r\nX-T: 1\r\n\r\n",
            [
                ParsedRequest(
                    method: "PUT", target: "/c", headers: ["Host: a", "Transfer-Encoding: Chunked"],
                    body: Array("hello, wor\r\nld\n".utf8), keepAlive: true)
            ]
        ),
        (
            "BREW http://pot:80/tea?hot HTTP/1.1\r\nHost: pot\r\nX-Own: a:b\r\n\r\n",
            [
                ParsedRequest(
                    method: "BREW", target: "/tea?hot", headers: ["Host: pot", "X-Own: a:b"], body: [],
                    keepAlive: true)
            ]
        ),
        (
            "OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n",
            [ParsedRequest(method: "OPTIONS", target: "*", headers: ["Host: "], body: [], keepAlive: true)]
        ),
        (
            "GET /v1/kv/\u{43A}\u{43B}?{\"a\"} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            [
                ParsedRequest(
                    method: "GET", target: "/v1/kv/\u{43A}\u{43B}?{\"a\"}", headers: ["Connection: keep-alive"],
                    body: [], keepAlive: true)
            ]
        ),
    ]

    @Test(arguments: good)
    func goodRequestsParseHoweverTheyAreCut(_ text: String, _ expected: [ParsedRequest]) {
        let bytes = Array(text.utf8)
        #expect(ParserDriver.requests([bytes]).requests == expected)
        #expect(ParserDriver.requests(bytes.map { [$0] }).requests == expected)
        for cut in 1..<bytes.count {
            let (requests, failure) = ParserDriver.requests([Array(bytes[..<cut]), Array(bytes[cut...])])
            #expect(requests == expected && failure == nil, "cut at \(cut)")
        }
    }

    private static let post = "POST / HTTP/1.1\r\nHost: a\r\n"
    private static let chunked = post + "Transfer-Encoding: chunked\r\n\r\n"
    static let bad: [(String, Int)] = [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\nHost: a\n\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\n\r\n", 400),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /\u{0} HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /\r\nHost: a\r\n\r\n", 400),
        ("G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("\u{16}\u{3}\u{1}", 400),
        ("GET / HTTP/2.0\r\n\r\n", 505),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        ("GET / http/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/11\r\nHost: a\r\n\r\n", 400),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        (String(repeating: "M", count: 33) + " / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nNoColon\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\u{0}b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", 417),
        (post + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400),
        (post + "Content-Length: 1, 1\r\n\r\na", 400),
        (post + "Content-Length: +1\r\n\r\na", 400),
        (post + "Content-Length: -1\r\n\r\na", 400),
        (post + "Content-Length: 0x1\r\n\r\na", 400),
        (post + "Content-Length:\r\n\r\na", 400),
        (post + "Content-Length: 9223372036854775808\r\n\r\na", 400),
        (post + "Content-Length: 999999999999999999\r\n\r\na", 413),
        (post + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (post + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n", 400),
        (post + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (post + "Transfer-Encoding: chunked, identity\r\n\r\n", 501),
        (post + "Transfer-Encoding: xchunked\r\n\r\n", 501),
        (post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (chunked + "\r\n", 400),
        (chunked + "g\r\n", 400),
        (chunked + "-1\r\n", 400),
        (chunked + "0x1\r\na\r\n", 400),
        (chunked + "1\na\n0\n\n", 400),
        (chunked + "1\r\nab\r\n0\r\n\r\n", 400),
        (chunked + "1\r\na\n0\r\n\r\n", 400),
        (chunked + "1 1\r\na\r\n", 400),
        (chunked + "1;\u{0}\r\na\r\n", 400),
        (chunked + "0000000000000001\r\n", 400),
        (chunked + "fffffffffffffff\r\n", 413),
        (chunked + "ffffffffffffffffff\r\n", 400),
        (chunked + "1;" + String(repeating: "x", count: 300) + "\r\n", 400),
        (chunked + "0\r\nbad trailer\r\n\r\n", 400),
    ]

    @Test(arguments: bad)
    func badRequestsAreRefusedHoweverTheyAreCut(_ text: String, _ status: Int) {
        let bytes = Array(text.utf8)
        #expect(ParserDriver.requests([bytes]).failure == status)
        #expect(ParserDriver.requests(bytes.map { [$0] }).failure == status)
    }

    @Test func targetsThatAreNotUTF8AreRefused() {
        let bytes = Array("GET /".utf8) + [0xFF] + Array(" HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        #expect(ParserDriver.requests([bytes]).failure == 400)
    }

    @Test func limitsHaveTheirOwnStatus() {
        var limits = HTTPLimits()
        limits.startLineBytes = 32
        limits.headerBytes = 64
        limits.headerCount = 3
        limits.bodyBytes = 10
        func failure(_ text: String) -> Int? {
            ParserDriver.requests(Array(text.utf8).map { [$0] }, limits: limits).failure
        }
        #expect(failure("GET /" + String(repeating: "a", count: 40)) == 414)
        #expect(failure("GET / HTTP/1.1\r\nHost: " + String(repeating: "a", count: 80)) == 431)
        #expect(failure("GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 1\r\nC: 1\r\n\r\n") == 431)
        #expect(failure("GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 1\r\n\r\n") == nil)
        #expect(failure("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n") == 413)
        let chunked = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n123456\r\n"
        #expect(failure(chunked + "5\r\n") == 413)
        #expect(failure(chunked + "4\r\n1234\r\n0\r\n\r\n") == nil)
    }

    @Test func anErrorIsFinal() {
        var parser = RequestParser()
        parser.feed(Array("G@T / HTTP/1.1\r\n\r\nGET / HTTP/1.0\r\n\r\n".utf8))
        #expect(throws: HTTPError.self) { try parser.next() }
        #expect(throws: HTTPError.self) { try parser.next() }
    }

    static let corpus = (good.map(\.0) + bad.map(\.0)).map { Array($0.utf8) }
    static let spice: [[UInt8]] = [
        "\0", "\n", "\r", "\r\n", " ", "\t", ":", "\u{7F}", "chunked", "Content-Length: 7\r\n",
        "Transfer-Encoding: chunked\r\n", "fffffffffffffff\r\n", "99999999999999999999", "%", "HTTP/1.1",
        "Connection: upgrade\r\nUpgrade: tcp\r\n", "Expect: 100-continue\r\n",
    ].map { Array($0.utf8) }

    /// Damaged requests and answers, in pieces of any size: only ever parsed or refused.
    @Test func garbageNeverCrashes() async throws {
        let refused = Atomic(0)
        let count = try await Mutator(Self.corpus, spice: Self.spice, seed: 1).feed { bytes, mutator in
            let (_, failure) = ParserDriver.requests(mutator.pieces(of: bytes))
            if failure != nil { refused.add(1, ordering: .relaxed) }
            _ = ParserDriver.responses(mutator.pieces(of: bytes), closed: true)
        }
        #expect(refused.load(ordering: .relaxed) > count / 10)
    }
}
