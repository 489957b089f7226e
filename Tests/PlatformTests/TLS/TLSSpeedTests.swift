import Foundation
import Platform
import TestSupport
import Testing

/// Not a timed test: prints figures where it is asked to, and otherwise only runs the path briefly.
@Suite(.timeLimit(.minutes(2))) struct TLSSpeedTests {
    private static let isMeasured = ProcessInfo.processInfo.environment["MARTLET_BENCH"] != nil

    @Test func handshakes() async throws {
        let loop = try EventLoop(name: "bench")
        defer { loop.stop() }
        let count = Self.isMeasured ? 1000 : 10
        let start = ContinuousClock.now
        try await Task(executorPreference: loop) {
            for _ in 0..<count {
                let pair = try await TLSPair.make(on: loop)
                pair.client.close()
                pair.server.close()
            }
        }.value
        let elapsed = (ContinuousClock.now - start).seconds
        if Self.isMeasured {
            print("TLS handshakes, both ends on one thread: \(Int(Double(count) / elapsed)) a second")
        }
    }

    /// The same over a bare socket beside it.
    @Test(arguments: [64, 4096, 256 << 10]) func bytes(size: Int) async throws {
        let loop = try EventLoop(name: "bench")
        defer { loop.stop() }
        let total = Self.isMeasured ? min(1 << 30, size * 200_000) : 4 * size
        let pair = try await TLSPair.make(on: loop)
        let (left, right) = try SocketStream.pair(loop: loop)
        let tls = try await Self.transfer(total, by: size, from: pair.client, to: pair.server, loop)
        let bare = try await Self.transfer(total, by: size, from: left, to: right, loop)
        guard Self.isMeasured else { return }
        print(
            "TLS, writes of \(size): \(Int(tls / 1e6)) MB/s, \(Int(tls / Double(size))) a second; a bare socket "
                + "\(Int(bare / 1e6)) MB/s, ratio \(tls / bare)")
    }

    /// Bytes a second, both ends on one thread.
    private static func transfer(
        _ total: Int, by size: Int, from writer: any ByteStream, to reader: any ByteStream, _ loop: EventLoop
    ) async throws -> Double {
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask(executorPreference: loop) {
                let bytes = [UInt8](repeating: 1, count: size)
                for _ in 0..<total / size { try await writer.write(bytes) }
                try await writer.shutdownWrite()
            }
            group.addTask(executorPreference: loop) {
                var count = 0
                while true {
                    let bytes = try await reader.read(upTo: 64 << 10)
                    if bytes.isEmpty { break }
                    count += bytes.count
                }
                #expect(count == total / size * size)
            }
            try await group.waitForAll()
        }
        return Double(total) / (ContinuousClock.now - start).seconds
    }
}
