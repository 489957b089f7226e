import Testing

@testable import HTTP

@Suite struct ResponseParserTests {
    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, [200], "hello"),
        ("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", false, [200], ""),
        ("HTTP/1.1 204 No Content\r\n\r\n", false, [204], ""),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            false,
            [100, 200], "a"
        ),
        ("HTTP/1.0 200 OK\r\n\r\nuntil the end", true, [200], "until the end"),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", false, [304], ""),
    ])
    func goodResponsesParseHoweverTheyAreCut(_ text: String, _ closed: Bool, _ statuses: [Int], _ body: String) {
        let bytes = Array(text.utf8)
        for cut in 0..<bytes.count {
            let pieces = [Array(bytes[..<cut]), Array(bytes[cut...])].filter { !$0.isEmpty }
            let (responses, failure) = ParserDriver.responses(pieces, closed: closed)
            #expect(failure == nil)
            #expect(responses.map(\.status) == statuses)
            #expect(responses.last?.body == Array(body.utf8))
        }
    }

    @Test(arguments: [
        "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 2000\r\n\r\n", "SSH-2.0-OpenSSH\r\n", "HTTP/1.1 200 OK\nA: b\n\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "HTTP/1.1 200 O\u{1}K\r\n\r\n",
    ])
    func badResponsesAre502(_ text: String) {
        #expect(ParserDriver.responses([Array(text.utf8)]).failure == 502)
    }

    @Test func aTruncatedResponseIsAnError() {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"
        for end in 1...text.utf8.count {
            #expect(ParserDriver.responses([Array(text.utf8.prefix(end))], closed: true).failure == 502)
        }
    }

    @Test func anAnswerToHeadHasNoBody() {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
        let (responses, failure) = ParserDriver.responses([Array(text.utf8)], closed: true, to: .head)
        #expect(responses.count == 1 && failure == nil)
    }
}
