import Foundation
import Platform
import Synchronization
import Testing

@testable import HTTP

@Suite(.timeLimit(.minutes(1))) struct HTTPClientTests {
    @Test func connectionsAreReusedAndBounded() async throws {
        try await TestServer.run { request in
            try await Task.sleep(for: .milliseconds(5))
            return .text(request.path)
        } using: { test in
            var limits = HTTPClientLimits()
            limits.connections = 4
            limits.idleConnections = 2
            let client = test.client(test.tcp, limits: limits)
            let most = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<40 {
                    group.addTask {
                        let response = try await client.send(HTTPRequest(.get, "/\(number)"))
                        let count = test.server.connectionCount
                        #expect(try await response.body.text() == "/\(number)")
                        return count
                    }
                }
                return try await group.reduce(0, max)
            }
            #expect(most <= 4)
            try await Task.sleep(for: .milliseconds(100))
            #expect(test.server.connectionCount <= 2)
            client.close()
            let error = await #expect(throws: HTTPError.self) { try await client.send(HTTPRequest(.get, "/")) }
            #expect(error?.status == .serviceUnavailable)
        }
    }

    @Test func aDeadConnectionIsNoticedBeforeItIsUsed() async throws {
        var limits = HTTPLimits()
        limits.idleTimeout = .milliseconds(150)
        try await TestServer.run(limits: limits) { _ in
            .text("x")
        } using: { test in
            let client = test.client()
            for _ in 0..<3 {
                let response = try await client.send(HTTPRequest(.post, "/", body: HTTPBody("once")))
                #expect(response.status == .ok)
                try await Task.sleep(for: .milliseconds(400))
                #expect(test.server.connectionCount == 0)
            }
        }
    }

    /// Speaks to each connection whatever the test says.
    private static func withRawServer(
        _ answer: @escaping @Sendable (SocketStream, Int) async throws -> Void,
        using body: @Sendable (HTTPClient) async throws -> Void
    ) async throws {
        let loop = try EventLoop(name: "raw")
        defer { loop.stop() }
        let count = Mutex(0)
        let listener = try SocketListener(on: try #require(SocketAddress.parse("127.0.0.1:0")), loop: loop) { stream in
            let number = count.withLock { count in
                count += 1
                return count
            }
            Task(executorPreference: loop) {
                try? await answer(stream, number)
                stream.close()
            }
        }
        defer { listener.close() }
        var limits = HTTPClientLimits()
        limits.responseTimeout = .milliseconds(500)
        limits.connectTimeout = .seconds(2)
        try await body(HTTPClient(listener.address, loop: loop, limits: limits))
    }

    @Test func aRequestThatChangesNothingIsTriedAgainOnAFreshConnection() async throws {
        try await Self.withRawServer { stream, number in
            _ = try await stream.text(until: "\r\n\r\n")
            try await stream.write(Array("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\(number)".utf8))
            // The kept connection takes one more request and dies over it.
            _ = try await stream.text(until: "\r\n\r\n")
        } using: { client in
            let answer1 = try await client.send(HTTPRequest(.get, "/")).body.text()
            #expect(answer1 == "1")
            let answer2 = try await client.send(HTTPRequest(.get, "/")).body.text()
            #expect(answer2 == "2")
            let error = await #expect(throws: HTTPError.self) { try await client.send(HTTPRequest(.post, "/")) }
            #expect(error?.status == .badGateway)
        }
    }

    /// scenarios.md, Raft and storage, 14. The connection ended over it: it may have been done. A session would be made twice, and what was put would be in its own
    /// way.
    @Test(arguments: [HTTPMethod.put, .delete, .post]) func aChangeIsSentOnce(method: HTTPMethod) async throws {
        let changes = Mutex(0)
        try await Self.withRawServer { stream, _ in
            while true {
                let head = try await stream.text(until: "\r\n\r\n")
                guard head.hasPrefix("GET") else {
                    if !head.isEmpty { changes.withLock { $0 += 1 } }
                    return
                }
                try await stream.write(Array("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".utf8))
            }
        } using: { client in
            _ = try await client.send(HTTPRequest(.get, "/")).body.text()
            let error = await #expect(throws: HTTPError.self) { try await client.send(HTTPRequest(method, "/")) }
            #expect(error?.status == .badGateway)
        }
        #expect(changes.withLock { $0 } == 1)
    }

    @Test func aSilentServerTimesOut() async throws {
        try await Self.withRawServer { stream, _ in
            _ = try await stream.text()
        } using: { client in
            let error = await #expect(throws: HTTPError.self) { try await client.send(HTTPRequest(.get, "/")) }
            #expect(error?.status == .gatewayTimeout)
        }
    }

    @Test(arguments: [
        "garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 101 UPGRADED\r\n\r\n", "",
    ])
    func aBrokenServerIs502(_ answer: String) async throws {
        try await Self.withRawServer { stream, _ in
            _ = try await stream.text(until: "\r\n\r\n")
            try await stream.write(Array(answer.utf8))
        } using: { client in
            let error = await #expect(throws: HTTPError.self) {
                _ = try await client.send(HTTPRequest(.post, "/")).body.collect(upTo: 100)
            }
            #expect(error?.status == .badGateway)
        }
    }

    @Test func aServerThatIsNotThereIs502() async throws {
        let loop = try EventLoop(name: "nobody")
        defer { loop.stop() }
        let client = HTTPClient(.unix("/nonexistent/socket"), loop: loop)
        let error = await #expect(throws: HTTPError.self) { try await client.send(HTTPRequest(.get, "/")) }
        #expect(error?.status == .badGateway && error?.message == "cannot connect to unix:///nonexistent/socket")
    }

    @Test func cancellingClosesTheConnection() async throws {
        let (cancelled, sink) = AsyncStream.makeStream(of: Void.self)
        try await TestServer.run { _ in
            do { try await Task.sleep(for: .seconds(30)) } catch { sink.yield() }
            return .text("late")
        } using: { test in
            let client = test.client()
            let waiting = Task { try await client.send(HTTPRequest(.get, "/")) }
            try await Task.sleep(for: .milliseconds(50))
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
            for await _ in cancelled { break }
        }
    }

    @Test func anEarlyAnswerEndsALongRequest() async throws {
        try await TestServer.run { _ in
            throw HTTPError(.contentTooLarge, "no more")
        } using: { test in
            let endless = HTTPBody.stream { writer in
                while true { try await writer.write([UInt8](repeating: 1, count: 65536)) }
            }
            let response = try await test.client().send(HTTPRequest(.put, "/", body: endless))
            #expect(response.status == .contentTooLarge)
            #expect(try await response.body.text().contains("no more"))
        }
    }

    @Test func aBodyThatThrowsFailsTheRequest() async throws {
        struct Broken: Error {}
        try await TestServer.run {
            .text(try await $0.body.text())
        } using: { test in
            let body = HTTPBody.stream { writer in
                try await writer.write("a")
                throw Broken()
            }
            await #expect(throws: Broken.self) { try await test.client().send(HTTPRequest(.put, "/", body: body)) }
        }
    }

    @Test func aHundredMegabytesGoBothWaysInBoundedMemory() async throws {
        let total = 100 << 20
        try await TestServer.run { request in
            HTTPResponse(body: .stream { try await request.body.copy(to: $0) })
        } using: { test in
            let before = try Self.residentBytes()
            let piece = (0..<65536).map { UInt8(truncatingIfNeeded: $0) }
            let body = HTTPBody.stream(length: total) { writer in
                for _ in 0..<(total / piece.count) { try await writer.write(piece) }
            }
            let response = try await test.client(test.tcp).send(HTTPRequest(.put, "/", body: body))
            var received = 0
            var isRight = true
            var most = before
            for try await bytes in response.body {
                if bytes.first != UInt8(truncatingIfNeeded: received) { isRight = false }
                received += bytes.count
                if received % (8 << 20) < bytes.count { most = max(most, try Self.residentBytes()) }
            }
            #expect(received == total && isRight)
            #expect(most - before < 48 << 20, "grew by \((most - before) >> 20) MiB")
        }
    }

    private static func residentBytes() throws -> Int {
        let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        return (Int(text.split(separator: " ")[1]) ?? 0) * 4096
    }
}
