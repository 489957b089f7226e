import Platform
import Synchronization
import TestSupport
import Testing

@testable import HTTP

@Suite(.timeLimit(.minutes(1))) struct HTTPServerLimitsTests {
    @Test func aSlowHeaderGets408() async throws {
        var limits = HTTPLimits()
        limits.headerTimeout = .milliseconds(300)
        try await TestServer.run(limits: limits) { _ in
            .text("x")
        } using: { test in
            let stream = try await test.connect()
            let writing = Task {
                // A byte now and then does not help.
                for byte in "GET / HTTP/1.1\r\nHost: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".utf8 {
                    try? await stream.write([byte])
                    try? await Task.sleep(for: .milliseconds(50))
                }
            }
            let text = try await stream.text()
            #expect(text.hasPrefix("HTTP/1.1 408 ") && text.contains("{\"message\":"))
            writing.cancel()
        }
    }

    @Test func aSlowBodyGets408() async throws {
        var limits = HTTPLimits()
        limits.bodyTimeout = .milliseconds(300)
        try await TestServer.run(limits: limits) {
            .text(try await $0.body.text())
        } using: { test in
            let text = try await test.exchange("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")
            #expect(text.hasPrefix("HTTP/1.1 408 "))
        }
    }

    /// A client that is refused early goes on sending: cut off, it would see a broken pipe instead of the answer.
    @Test(arguments: [Duration.zero, .milliseconds(100)])
    func aRefusedBodyMaySendItselfBeforeTheAnswerIsRead(pause: Duration) async throws {
        let size = 24 << 20
        try await TestServer.run { _ in
            throw HTTPError(.contentTooLarge, "too much")
        } using: { test in
            let stream = try await test.connect(test.tcp)
            try await stream.write(Array("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: \(size)\r\n\r\n".utf8))
            let piece = [UInt8](repeating: 97, count: 1 << 20)
            // With pauses it takes more than two seconds in all.
            for _ in 0..<(size >> 20) {
                try await stream.write(piece)
                if pause > .zero { try await Task.sleep(for: pause) }
            }
            let text = try await stream.text()
            #expect(text.hasPrefix("HTTP/1.1 413 ") && text.contains("too much"))
        }
    }

    /// Who sends on and on, slowly, keeps no connection: its answer was written, and then it is cut off.
    @Test func aRefusedClientThatDawdlesIsCutOff() async throws {
        var limits = HTTPLimits()
        limits.lingerTimeout = .milliseconds(300)
        try await TestServer.run(limits: limits) { _ in
            throw HTTPError(.contentTooLarge, "too much")
        } using: { test in
            let stream = try await test.connect(test.tcp)
            try await stream.write(Array("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n".utf8))
            // More than is read away to keep the connection.
            try await stream.write([UInt8](repeating: 97, count: 1 << 20))
            let begin = ContinuousClock.now
            await #expect(throws: (any Error).self) {
                for _ in 0..<200 {
                    try await stream.write([97])
                    try await Task.sleep(for: .milliseconds(50))
                }
            }
            #expect(ContinuousClock.now - begin < .seconds(8))
        }
    }

    @Test func idleConnectionsAreClosed() async throws {
        var limits = HTTPLimits()
        limits.idleTimeout = .milliseconds(300)
        try await TestServer.run(limits: limits) { _ in
            .text("x")
        } using: { test in
            #expect(try await test.exchange("") == "")
            let once = try await test.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(once.hasPrefix("HTTP/1.1 200") && once.hasSuffix("x"))
        }
    }

    @Test func aClientThatDoesNotReadIsClosed() async throws {
        var limits = HTTPLimits()
        limits.writeTimeout = .milliseconds(300)
        let (ended, end) = AsyncStream.makeStream(of: Int.self)
        try await TestServer.run(limits: limits) { _ in
            HTTPResponse(
                body: .stream { writer in
                    var written = 0
                    do {
                        while true {
                            try await writer.write([UInt8](repeating: 0, count: 65536))
                            written += 65536
                        }
                    } catch {
                        end.yield(written)
                        throw error
                    }
                })
        } using: { test in
            let stream = try await test.connect(test.tcp)
            try await stream.write(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
            var iterator = ended.makeAsyncIterator()
            let written = await iterator.next() ?? .max
            // Back-pressure: what the sockets hold, not more.
            #expect(written < 32 << 20, "\(written) bytes went out to nobody")
            stream.close()
        }
    }

    @Test func tooManyConnectionsAreRefused() async throws {
        var limits = HTTPLimits()
        limits.connections = 3
        try await TestServer.run(limits: limits) { _ in
            .text("x")
        } using: { test in
            var streams: [SocketStream] = []
            for _ in 0..<3 {
                let stream = try await test.connect()
                try await stream.write(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
                _ = try await stream.text(until: "x")
                streams.append(stream)
            }
            let text = try await test.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(text.hasPrefix("HTTP/1.1 503 ") && text.contains("too many connections"))
            streams.removeFirst().close()
            try await Task.sleep(for: .milliseconds(100))
            let again = try await test.exchange("GET / HTTP/1.0\r\n\r\n")
            #expect(again.hasPrefix("HTTP/1.1 200"))
            for stream in streams { stream.close() }
        }
    }

    @Test func aConnectionCarriesSoManyRequestsAndNoMore() async throws {
        var limits = HTTPLimits()
        limits.requestsPerConnection = 2
        try await TestServer.run(limits: limits) { _ in
            .text("x")
        } using: { test in
            let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
            let text = try await test.exchange(request + request + request)
            #expect(text.split(separator: "HTTP/1.1 200").count == 2 && text.contains("Connection: close"))
        }
    }

    /// Damaged requests over real sockets, many at once: the server answers or closes, and goes on serving.
    @Test func garbageOverSocketsLeavesTheServerWell() async throws {
        var limits = HTTPLimits()
        limits.headerTimeout = .milliseconds(200)
        limits.bodyTimeout = .milliseconds(200)
        limits.idleTimeout = .milliseconds(200)
        try await TestServer.run(limits: limits) { request in
            _ = try await request.body.collect(upTo: 10_000)
            return request.upgradeProtocol == nil
                ? .text("ok") : .hijack(request) { try await $0.write([1, 2, 3]) }
        } using: { test in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for seed in 0..<8 {
                    group.addTask {
                        var mutator = Mutator(
                            RequestParserTests.corpus, spice: RequestParserTests.spice, seed: UInt64(seed))
                        for _ in 0..<60 {
                            let stream = try await test.connect()
                            try? await stream.write(mutator.next())
                            try? await stream.shutdownWrite()
                            _ = try? await stream.text()
                            stream.close()
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await test.exchange("GET / HTTP/1.0\r\n\r\n").hasSuffix("ok"))
        }
    }
}
