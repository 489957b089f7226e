import Testing

@testable import HTTP

@Suite struct HTTPMessageTests {
    @Test func headersCompareWithoutCaseAndKeepOrder() {
        var headers: HTTPHeaders = ["A": "1", "b": "2"]
        headers.add("a", "3")
        #expect(headers["a"] == "1")
        #expect(headers.values(of: "A") == ["1", "3"])
        headers["A"] = "4"
        #expect(headers.map(\.value) == ["4", "2"])
        headers["B"] = nil
        #expect(headers.count == 1)
        headers["Connection"] = " keep-alive ,Upgrade,, "
        #expect(headers.tokens(of: "connection") == ["keep-alive", "upgrade"])
    }

    @Test func queriesDecode() throws {
        let query = try HTTPQuery(parsing: "a=1&a=2&flag&empty=&sp=x+y%2B%20z&%D0%BA=%D0%BB&n=12")
        #expect(query["a"] == "1")
        #expect(query.values(of: "a") == ["1", "2"])
        #expect(query.contains("flag") && query["flag"] == "")
        #expect(query["empty"] == "" && query["none"] == nil)
        #expect(query["sp"] == "x y+ z")
        #expect(query["\u{43A}"] == "\u{43B}")
        #expect(try query.integer("n") == 12)
        #expect(throws: HTTPError.self) { try query.integer("sp") }
        #expect(!query.flag("flag") && query.flag("a") && query.flag("missing", default: true))
    }

    @Test(arguments: ["%", "%1", "%zz", "%00", "%ff", "a=%C3%28"])
    func brokenEscapesAreRefused(_ text: String) {
        #expect(throws: HTTPError.self) { try HTTPQuery(parsing: text) }
        #expect(throws: HTTPError.self) { try PercentCoding.decode(text) }
    }

    @Test func tooManyParametersAreRefused() {
        let text = String(repeating: "a&", count: HTTPQuery.itemLimit + 1)
        #expect(throws: HTTPError.self) { try HTTPQuery(parsing: text) }
    }

    @Test func escapesRoundTrip() throws {
        let text = "a/b c?&=#%\u{43A}~"
        #expect(PercentCoding.encode("a/b c") == "a%2Fb%20c")
        #expect(PercentCoding.encodePath("a/b c") == "a/b%20c")
        #expect(try PercentCoding.decode(PercentCoding.encode(text)) == text)
        let request = HTTPRequest(.get, "/x", query: [("filters", "{\"a\":1}"), ("all", nil)])
        #expect(request.target == "/x?filters=%7B%22a%22%3A1%7D&all")
        #expect(request.query["filters"] == "{\"a\":1}")
        #expect(request.path == "/x")
    }

    struct Sample: Codable, Equatable {
        struct Inner: Codable, Equatable { var count: Int }
        var name: String
        var inner: Inner
    }

    @Test func jsonProblemsAreNamed() throws {
        let sample = Sample(name: "a/b", inner: .init(count: 1))
        let bytes = try HTTPJSON.encode(sample)
        #expect(String(decoding: bytes, as: UTF8.self) == #"{"inner":{"count":1},"name":"a/b"}"#)
        #expect(try HTTPJSON.decode(Sample.self, from: bytes) == sample)
        func problem(_ text: String) -> String {
            do {
                _ = try HTTPJSON.decode(Sample.self, from: Array(text.utf8))
                return ""
            } catch {
                return "\(error.status.code) \(error.message)"
            }
        }
        #expect(problem(#"{"name":"a","inner":{}}"#) == "400 invalid JSON: member 'inner.count' is missing")
        #expect(problem(#"{"name":1,"inner":{}}"#).contains("member 'name' must be a String"))
        #expect(problem("{").hasPrefix("400 invalid JSON"))
        #expect(problem("").contains("empty"))
    }

    @Test func errorMessagesAreEscaped() throws {
        struct Message: Decodable { var message: String }
        let text = "a \"quoted\" \\ line\nwith \u{1} and \u{43A}"
        #expect(try HTTPJSON.decode(Message.self, from: HTTPJSON.message(text)).message == text)
    }

    @Test func bodiesCollectWithinTheirLimit() async throws {
        let stream = HTTPBody.stream { writer in
            for piece in ["ab", "cd", "ef"] { try await writer.write(piece) }
        }
        #expect(try await stream.collect(upTo: 6) == Array("abcdef".utf8))
        await #expect(throws: HTTPError.self) { try await stream.collect(upTo: 5) }
        await #expect(throws: HTTPError.self) { try await HTTPBody("abc").collect(upTo: 2) }
        var pieces: [[UInt8]] = []
        for try await piece in stream { pieces.append(piece) }
        #expect(pieces.map { String(decoding: $0, as: UTF8.self) } == ["ab", "cd", "ef"])
    }

    @Test func aProducedBodyIsCancelledWhenItsReaderLeaves() async throws {
        let (ended, continuation) = AsyncStream.makeStream(of: Bool.self)
        func takeOne() async throws {
            let stream = HTTPBody.stream { writer in
                do {
                    while true { try await writer.write("x") }
                } catch {
                    continuation.yield(error is CancellationError)
                    throw error
                }
            }
            for try await _ in stream { break }
        }
        try await takeOne()
        for await wasCancelled in ended {
            #expect(wasCancelled)
            break
        }
    }
}
