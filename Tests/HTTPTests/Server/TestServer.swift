import Foundation
import Platform
import Testing

@testable import HTTP

/// A server on two loops of its own with a unix socket and a TCP port, a loop for its clients, and an end to all of it.
struct TestServer: Sendable {
    let server: HTTPServer
    let loop: EventLoop
    let clientLoop: EventLoop
    let unix: SocketAddress
    let tcp: SocketAddress
    private let directory: URL

    /// Runs `body` against a server with `handler`, then takes everything down.
    static func run(
        limits: HTTPLimits = HTTPLimits(), observer: HTTPServerObserver = HTTPServerObserver(),
        handler: @escaping HTTPHandler, using body: @Sendable (TestServer) async throws -> Void
    ) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
            "http-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let loop = try EventLoop(name: "server")
        let clientLoop = try EventLoop(name: "client")
        let worker = try EventLoop(name: "server-1")
        let server = HTTPServer(
            loop: loop, workers: LoopPool([loop, worker], steady: 2, crowd: 0), limits: limits, observer: observer,
            handler: handler)
        let unix = SocketAddress.unix(directory.appendingPathComponent("s").path)
        try server.listen(on: unix, mode: 0o600, group: "root")
        let tcp = try server.listen(on: try #require(SocketAddress.parse("127.0.0.1:0")))
        let test = TestServer(
            server: server, loop: loop, clientLoop: clientLoop, unix: unix, tcp: tcp, directory: directory)
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(test))
        } catch {
            result = .failure(error)
        }
        await server.shutdown(within: .milliseconds(100))
        loop.stop()
        worker.stop()
        clientLoop.stop()
        try? FileManager.default.removeItem(at: directory)
        try result.get()
    }

    func client(_ address: SocketAddress? = nil, limits: HTTPClientLimits = HTTPClientLimits()) -> HTTPClient {
        HTTPClient(address ?? unix, loop: clientLoop, limits: limits)
    }

    func connect(_ address: SocketAddress? = nil) async throws -> SocketStream {
        try await SocketStream.connect(to: address ?? unix, loop: clientLoop)
    }

    /// Sends raw text and reads until the server closes or the text ends with `end`.
    func exchange(_ text: String, until end: String? = nil, over address: SocketAddress? = nil) async throws -> String {
        let stream = try await connect(address)
        defer { stream.close() }
        try await stream.write(Array(text.utf8))
        return try await stream.text(until: end)
    }
}

extension ByteStream {
    /// Reads until the end of the stream, or until what came ends with `end`.
    func text(until end: String? = nil) async throws -> String {
        var all: [UInt8] = []
        while true {
            let bytes = try await read(upTo: 4096)
            all += bytes
            let text = String(decoding: all, as: UTF8.self)
            if bytes.isEmpty { return text }
            if let end, text.hasSuffix(end) { return text }
        }
    }
}

extension HTTPBody {
    func text(upTo limit: Int = 1 << 20) async throws -> String {
        String(decoding: try await collect(upTo: limit), as: UTF8.self)
    }
}
