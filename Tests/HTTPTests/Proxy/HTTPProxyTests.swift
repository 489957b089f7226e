import Platform
import Testing

@testable import HTTP

@Suite(.timeLimit(.minutes(1))) struct HTTPProxyTests {
    /// A follower in front of a leader.
    private static func run(
        leader: @escaping HTTPHandler, using body: @escaping @Sendable (_ follower: TestServer) async throws -> Void
    ) async throws {
        try await TestServer.run(handler: leader) { leader in
            let client = leader.client(leader.tcp)
            try await TestServer.run(handler: { try await HTTPProxy.forward($0, to: client) }, using: body)
        }
    }

    @Test func requestsAndAnswersPassThrough() async throws {
        try await Self.run { request in
            var response = HTTPResponse(.created, headers: ["X-Answer": "1", "Connection": "X-Hop", "X-Hop": "2"])
            let body = try await request.body.text()
            response.body = HTTPBody(
                "\(request.method) \(request.target) \(request.headers["X-Own"] ?? "") \(body)"
                    + " \(request.headers[HTTPProxy.hopsField] ?? "") \(request.headers["X-Drop"] ?? "gone")")
            return response
        } using: { follower in
            let response = try await follower.client().send(
                HTTPRequest(
                    .post, "/a%20b?c=d%26e", headers: ["X-Own": "o"],
                    body: .stream { for _ in 0..<3 { try await $0.write("ab") } }))
            #expect(response.status == .created)
            #expect(response.headers["X-Answer"] == "1")
            #expect(response.headers.values(of: "Date").count == 1)
            #expect(try await response.body.text() == "POST /a%20b?c=d%26e o ababab 1 gone")
            let head = try await follower.client().send(HTTPRequest(.head, "/"))
            #expect(head.status == .created && head.headers["Content-Length"] != nil)
        }
    }

    @Test func circlesAreBroken() async throws {
        try await Self.run { _ in
            .text("x")
        } using: { follower in
            for hops in ["1", "-1", "99999999999999999999", "x"] {
                let request = HTTPRequest(.get, "/", headers: [HTTPProxy.hopsField: hops])
                let response = try await follower.client().send(request)
                #expect(response.status == .loopDetected)
            }
        }
    }

    @Test func streamsPassAsTheyCome() async throws {
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        try await Self.run { _ in
            HTTPResponse(
                body: .stream { writer in
                    for await _ in gate { try await writer.write("line\n") }
                })
        } using: { follower in
            let response = try await follower.client().send(HTTPRequest(.get, "/"))
            var pieces = response.body.makeAsyncIterator()
            for _ in 0..<3 {
                open.yield()
                #expect(try await pieces.next() == Array("line\n".utf8))
            }
            open.finish()
            #expect(try await pieces.next() == nil)
        }
    }

    @Test func rawStreamsPassBothWays() async throws {
        try await Self.run { request in
            .hijack(request, contentType: "application/vnd.docker.raw-stream") { stream in
                while true {
                    let bytes = try await stream.read(upTo: 1024)
                    if bytes.isEmpty { break }
                    try await stream.write(bytes)
                }
                try await stream.write(Array("bye".utf8))
            }
        } using: { follower in
            let upgrade = try await follower.client(follower.tcp).upgrade(HTTPRequest(.post, "/exec"))
            let stream = try #require(upgrade.stream)
            #expect(upgrade.response.status.code == 101)
            #expect(upgrade.response.headers["Content-Type"] == "application/vnd.docker.raw-stream")
            for word in ["one", "two"] {
                try await stream.write(Array(word.utf8))
                #expect(try await stream.text(until: word) == word)
            }
            try await stream.shutdownWrite()
            #expect(try await stream.text() == "bye")
            let raw = try await follower.connect()
            try await raw.write(Array("POST /attach HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
            _ = try await raw.text(until: "\r\n\r\n")
            try await raw.write(Array("old".utf8))
            try await raw.shutdownWrite()
            #expect(try await raw.text() == "oldbye")
        }
    }

    @Test func theClientsLeavingReachesTheLeader() async throws {
        let (cancelled, sink) = AsyncStream.makeStream(of: Void.self)
        try await Self.run { _ in
            do { try await Task.sleep(for: .seconds(30)) } catch { sink.yield() }
            return .text("late")
        } using: { follower in
            let stream = try await follower.connect()
            try await stream.write(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
            try await Task.sleep(for: .milliseconds(50))
            stream.close()
            for await _ in cancelled { break }
        }
    }

    @Test func aMissingLeaderIs502() async throws {
        let loop = try EventLoop(name: "no-leader")
        defer { loop.stop() }
        let client = HTTPClient(.unix("/nonexistent/leader"), loop: loop)
        try await TestServer.run {
            try await HTTPProxy.forward($0, to: client)
        } using: { follower in
            let response = try await follower.client().send(HTTPRequest(.get, "/"))
            #expect(response.status == .badGateway)
            #expect(try await response.body.text().contains("cannot connect"))
        }
    }
}
