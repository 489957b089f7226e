import Foundation
import Glibc
import Platform
import Synchronization
import Testing

@testable import HTTP

@Suite(.timeLimit(.minutes(1))) struct HTTPServerTests {
    private static let hello: HTTPHandler = { _ in .text("hello\n") }

    @Test func aConnectionCarriesManyRequests() async throws {
        let seen = Mutex<[String]>([])
        let observer = HTTPServerObserver(onExchange: { exchange in
            seen.withLock { $0.append("\(exchange.method) \(exchange.status.code)") }
        })
        try await TestServer.run(observer: observer, handler: Self.hello) { test in
            let stream = try await test.connect(test.tcp)
            for _ in 0..<3 {
                try await stream.write(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
                let text = try await stream.text(until: "hello\n")
                #expect(text.hasPrefix("HTTP/1.1 200 OK\r\nDate: "))
                #expect(text.contains("Content-Length: 6\r\n") && !text.contains("Connection"))
            }
            // Pipelined, cut in the middle, the last one closing.
            let burst = "GET /a HTTP/1.1\r\nHost: a\r\n\r\nHEAD /b HTTP/1.1\r\nHost: a\r\n\r\nGET /c HTTP/1.0\r\n\r\n"
            try await stream.write(Array(burst.utf8.prefix(40)))
            try await stream.write(Array(burst.utf8.dropFirst(40)))
            let text = try await stream.text()
            #expect(text.components(separatedBy: "HTTP/1.1 200 OK").count == 4)
            #expect(text.components(separatedBy: "hello\n").count == 3)
            #expect(text.contains("Connection: close"))
        }
        #expect(seen.withLock { $0 } == Array(repeating: "GET 200", count: 4) + ["HEAD 200", "GET 200"])
    }

    @Test(arguments: RequestParserTests.bad)
    func malformedRequestsGetAnAnswerAndAClosedConnection(_ request: String, _ status: Int) async throws {
        try await TestServer.run {
            _ = try await $0.body.collect(upTo: 1000)
            return .text("ok")
        } using: { test in
            let text = try await test.exchange(request)
            #expect(text.hasPrefix("HTTP/1.1 \(status) "), "\(text)")
            #expect(text.contains("{\"message\":\"") && text.contains("Connection: close"))
        }
    }

    @Test func errorsOfHandlersAreAnswers() async throws {
        struct Odd: Error, CustomStringConvertible { var description: String { "odd\r\nthing" } }
        try await TestServer.run { request in
            if request.path == "/conflict" {
                throw HTTPError(.conflict, "name \"x\" is taken", headers: ["X-Evil": "a\r\nb: c"])
            }
            throw Odd()
        } using: { test in
            let client = test.client()
            let conflict = try await client.send(HTTPRequest(.get, "/conflict"))
            #expect(conflict.status == .conflict)
            #expect(conflict.headers["X-Evil"] == "a  b: c")
            #expect(try await conflict.body.text() == "{\"message\":\"name \\\"x\\\" is taken\"}\n")
            let odd = try await client.send(HTTPRequest(.get, "/"))
            #expect(odd.status == .internalServerError)
            #expect(try await odd.body.text().contains("odd\\u000d\\nthing"))
        }
    }

    @Test func bodiesGoBothWaysInEveryFraming() async throws {
        try await TestServer.run { request in
            if request.query.contains("stream") {
                return HTTPResponse(body: .stream { try await request.body.copy(to: $0) })
            }
            return HTTPResponse(body: HTTPBody(try await request.body.collect(upTo: 1 << 20)))
        } using: { test in
            let client = test.client(test.tcp)
            let content = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            for target in ["/", "/?stream"] {
                for body in [
                    HTTPBody(content), .stream(length: content.count) { try await $0.write(content) },
                    .stream {
                        for start in stride(from: 0, to: 300_000, by: 3000) {
                            try await $0.write(Array(content[start..<start + 3000]))
                        }
                    },
                ] {
                    let response = try await client.send(HTTPRequest(.post, target, body: body))
                    #expect(response.body.length == (target == "/" ? content.count : nil))
                    #expect(try await response.body.collect(upTo: 1 << 20) == content)
                }
            }
            #expect(test.server.connectionCount == 1)
        }
    }

    @Test func expectContinueIsAnsweredWhenTheBodyIsWanted() async throws {
        try await TestServer.run { request in
            if request.path == "/no" { throw HTTPError(.forbidden, "no") }
            return .text("got " + (try await request.body.text()) + "\n")
        } using: { test in
            let head = " HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
            let stream = try await test.connect()
            try await stream.write(Array(("PUT /yes" + head).utf8))
            #expect(try await stream.text(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            try await stream.write(Array("abc".utf8))
            #expect(try await stream.text(until: "got abc\n").hasPrefix("HTTP/1.1 200"))
            try await stream.write(Array(("PUT /no" + head).utf8))
            let refusal = try await stream.text()
            #expect(refusal.hasPrefix("HTTP/1.1 403") && refusal.contains("Connection: close"))
        }
    }

    @Test func headsOfStreamsGoOutAtOnce() async throws {
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        try await TestServer.run { _ in
            HTTPResponse(
                body: .stream { writer in
                    for await _ in gate { try await writer.write("line\n") }
                })
        } using: { test in
            let response = try await test.client().send(HTTPRequest(.get, "/logs"))
            #expect(response.status == .ok)
            var pieces = response.body.makeAsyncIterator()
            for _ in 0..<3 {
                open.yield()
                #expect(try await pieces.next() == Array("line\n".utf8))
            }
            open.finish()
            #expect(try await pieces.next() == nil)
        }
    }

    @Test func aStreamThatFailsIsCutShort() async throws {
        try await TestServer.run { request in
            let length = request.path == "/short" ? 10 : nil
            return HTTPResponse(
                body: .stream(length: length) { writer in
                    try await writer.write("part")
                    if length == nil { throw HTTPError(.internalServerError, "lost") }
                })
        } using: { test in
            for path in ["/short", "/failing"] {
                let response = try await test.client().send(HTTPRequest(.get, path))
                await #expect(throws: HTTPError.self) { try await response.body.collect(upTo: 100) }
            }
        }
    }

    @Test func theClientsLeavingCancelsTheHandler() async throws {
        let (events, sink) = AsyncStream.makeStream(of: String.self)
        try await TestServer.run { request in
            if request.path == "/stream" {
                return HTTPResponse(
                    body: .stream { writer in
                        try await writer.write("x")
                        do { try await Task.sleep(for: .seconds(30)) } catch {
                            sink.yield("stream cancelled")
                            throw error
                        }
                    })
            }
            do { try await Task.sleep(for: .seconds(30)) } catch { sink.yield("handler cancelled") }
            return .text("late")
        } using: { test in
            var iterator = events.makeAsyncIterator()
            let stream = try await test.connect()
            try await stream.write(Array("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
            try await Task.sleep(for: .milliseconds(20))
            stream.close()
            #expect(await iterator.next() == "handler cancelled")
            let response = try await test.client(test.tcp).send(HTTPRequest(.get, "/stream"))
            var pieces: HTTPBody.AsyncIterator? = response.body.makeAsyncIterator()
            #expect(try await pieces?.next() == [0x78])
            pieces = nil
            withExtendedLifetime(response) {}
        }
        sink.finish()
        var rest: [String] = []
        for await event in events { rest.append(event) }
        #expect(rest == ["stream cancelled"])
    }

    @Test func aPipelinedRequestWaitsForASlowHandler() async throws {
        try await TestServer.run { request in
            try await Task.sleep(for: .milliseconds(300))
            return .text(request.path)
        } using: { test in
            let stream = try await test.connect()
            try await stream.write(Array("GET /one HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
            try await Task.sleep(for: .milliseconds(200))
            try await stream.write(Array("GET /two HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
            let text = try await stream.text(until: "/two")
            #expect(text.contains("/one"))
        }
    }

    @Test func hijackGivesTheRawStream() async throws {
        try await TestServer.run { request in
            if request.path == "/slow" { try await Task.sleep(for: .milliseconds(250)) }
            return .hijack(request, contentType: "application/vnd.docker.raw-stream") { stream in
                while true {
                    let bytes = try await stream.read(upTo: 5)
                    if bytes.isEmpty { break }
                    try await stream.write(bytes)
                }
                try await stream.write(Array("bye".utf8))
            }
        } using: { test in
            for path in ["/fast", "/slow"] {
                // What is sent behind the head before the answer belongs to the raw stream.
                let request = "POST \(path) HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nearly "
                let stream = try await test.connect()
                try await stream.write(Array(request.utf8))
                let head = try await stream.text(until: "early ")
                #expect(head.hasPrefix("HTTP/1.1 101 UPGRADED\r\n"))
                #expect(head.contains("Upgrade: tcp\r\n") && head.contains("Connection: Upgrade\r\n"))
                try await stream.write(Array("and late".utf8))
                try await stream.shutdownWrite()
                #expect(try await stream.text() == "and latebye")
            }
            let upgrade = try await test.client().upgrade(HTTPRequest(.post, "/fast"))
            let stream = try #require(upgrade.stream)
            #expect(upgrade.response.headers["Content-Type"] == "application/vnd.docker.raw-stream")
            try await stream.write(Array("echo".utf8))
            try await stream.shutdownWrite()
            #expect(try await stream.text() == "echobye")
            stream.close()
            let old = try await test.exchange("POST / HTTP/1.1\r\nHost: a\r\n\r\nx", until: "x")
            #expect(old.hasPrefix("HTTP/1.1 200 OK\r\n") && old.hasSuffix("\r\n\r\nx"))
        }
    }

    @Test func unreadBodiesAreDrainedOrTheConnectionCloses() async throws {
        var limits = HTTPLimits()
        limits.drainBytes = 1000
        try await TestServer.run(limits: limits, handler: Self.hello) { test in
            let stream = try await test.connect()
            let small = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n" + String(repeating: "x", count: 900)
            for _ in 0..<2 {
                try await stream.write(Array(small.utf8))
                _ = try await stream.text(until: "hello\n")
            }
            let large = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\n"
            try await stream.write(Array((large + String(repeating: "x", count: 90000)).utf8))
            let last = try await stream.text()
            #expect(last.hasSuffix("hello\n"))
            // Or the client's next request would be sent into a connection that is about to end.
            #expect(last.contains("Connection: close\r\n"), "\(last)")
        }
    }

    @Test func aConnectionAcceptedElsewhereIsServedWithItsPeer() async throws {
        try await TestServer.run {
            .text($0.peer.nodeID ?? "nobody")
        } using: { test in
            let (near, far) = try SocketStream.pair(loop: test.loop)
            let serving = Task { await test.server.serve(far, peer: HTTPPeer(nodeID: "node-1", role: "manager")) }
            try await near.write(Array("GET / HTTP/1.0\r\n\r\n".utf8))
            #expect(try await near.text().hasSuffix("node-1"))
            await serving.value
        }
    }

    @Test func howAConnectionCameInIsSaid() async throws {
        try await TestServer.run { request in
            let text =
                switch request.peer.entrance {
                case .local(let user): "local \(user.map { "\($0)" } ?? "")"
                case .open: "open"
                case .secured(let certificate): "secured \(certificate == nil)"
                case nil: "nowhere"
                }
            return .text(text)
        } using: { test in
            let get = { (client: HTTPClient) in try await client.send(HTTPRequest(.get, "/")).body.text() }
            #expect(try await get(test.client()) == "local \(getuid())")
            #expect(try await get(test.client(test.tcp)) == "open")
            let address = try test.server.listen(on: try #require(SocketAddress.parse("127.0.0.1:0"))) { stream in
                let first = try await stream.read(upTo: 1)
                guard first == [1] else { throw HTTPError(.forbidden, "not secured") }
                return (stream, HTTPPeer(entrance: .secured(nil)))
            }
            let plain = try? await test.exchange("GET / HTTP/1.0\r\n\r\n", over: address)
            #expect(plain ?? "" == "", "closed without a word")
            #expect(try await test.exchange("\u{1}GET / HTTP/1.0\r\n\r\n", over: address).hasSuffix("secured true"))
        }
    }

    /// Root, and the group `martlet` where there is one.
    @Test(.enabled(if: getuid() == 0, "not root")) func aUnixSocketIsForItsGroup() async throws {
        try await TestServer.run { _ in
            .text("")
        } using: { test in
            let (group, name) = try #require(
                getgrgid(1).map { ($0.pointee.gr_gid, String(cString: $0.pointee.gr_name)) })
            let path = FileManager.default.temporaryDirectory.path + "/group-\(UUID().uuidString.prefix(8))"
            defer { unlink(path) }
            try test.server.listen(on: .unix(path), group: name)
            var status = stat()
            #expect(stat(path, &status) == 0)
            #expect(status.st_mode & 0o7777 == 0o660 && status.st_gid == group && status.st_uid == 0)
            let other = path + "o"
            defer { unlink(other) }
            try test.server.listen(on: .unix(other), group: "no-such-group")
            #expect(stat(other, &status) == 0)
            #expect(status.st_mode & 0o7777 == 0o660 && status.st_gid == getgid())
        }
    }

    @Test func shutdownLetsAnswersFinishAndCancelsTheRest() async throws {
        let (started, start) = AsyncStream.makeStream(of: Void.self)
        try await TestServer.run { request in
            start.yield()
            try await Task.sleep(for: request.path == "/long" ? .seconds(30) : .milliseconds(300))
            return .text("done")
        } using: { test in
            let client = test.client()
            let short = Task { try await client.send(HTTPRequest(.get, "/short")).body.text() }
            let long = Task { try await client.send(HTTPRequest(.post, "/long")) }
            var iterator = started.makeAsyncIterator()
            for _ in 0..<2 { _ = await iterator.next() }
            let begun = ContinuousClock.now
            await test.server.shutdown(within: .milliseconds(700))
            #expect(ContinuousClock.now - begun < .seconds(3))
            let finished = try await short.value
            #expect(finished == "done")
            let cancelled = try await long.value
            #expect(cancelled.status == .serviceUnavailable)
            #expect(test.server.connectionCount == 0)
            await #expect(throws: (any Error).self) { try await client.send(HTTPRequest(.get, "/")) }
        }
    }

    @Test func curlIsServed() async throws {
        let curl = "/usr/bin/curl"
        guard FileManager.default.isExecutableFile(atPath: curl) else { return }
        try await TestServer.run { request in
            HTTPResponse(body: .stream { try await request.body.copy(to: $0) })
        } using: { test in
            guard case .unix(let path) = test.unix else { return }
            let command = ChildProcess.Command(
                curl, ["-sS", "--unix-socket", path, "-H", "Transfer-Encoding: chunked", "-T", "-", "http://a/echo"])
            let content = Array(String(repeating: "0123456789", count: 20_000).utf8)
            let output = try await ChildProcess.run(command, input: content, loop: test.clientLoop)
            #expect(output.stdout == content)
            let posted = ChildProcess.Command(
                curl, ["-sS", "-i", "-H", "Expect: 100-continue", "-d", "a=b", "http://\(test.tcp)/x"])
            let answer = try await ChildProcess.run(posted, loop: test.clientLoop)
            let text = String(decoding: answer.stdout, as: UTF8.self)
            #expect(text.hasPrefix("HTTP/1.1 100 Continue") && text.hasSuffix("a=b"))
        }
    }
}
