import Foundation
import Platform
import Testing

/// Not a timed test: prints figures where it is asked to, and otherwise only runs the path briefly.
@Suite(.timeLimit(.minutes(1))) struct SocketSpeedTests {
    @Test(arguments: [1, 16, 64]) func roundTripsOnOneLoop(pairs: Int) async throws {
        let isMeasured = ProcessInfo.processInfo.environment["MARTLET_BENCH"] != nil
        let rounds = (isMeasured ? 400_000 : 2_000) / pairs
        let loop = try EventLoop(name: "bench")
        defer { loop.stop() }
        let start = ContinuousClock.now
        try await Task(executorPreference: loop) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<pairs {
                    let (client, server) = try SocketStream.pair(loop: loop)
                    group.addTask(executorPreference: loop) {
                        let request = [UInt8](repeating: 1, count: 64)
                        for _ in 0..<rounds {
                            try await client.write(request)
                            #expect(try await client.read(upTo: 4096).count == 64)
                        }
                        client.close()
                    }
                    group.addTask(executorPreference: loop) {
                        while true {
                            let bytes = try await server.read(upTo: 4096)
                            if bytes.isEmpty { break }
                            try await server.write(bytes)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }.value
        let elapsed = (ContinuousClock.now - start).seconds
        if isMeasured { print("round trips, \(pairs) pairs: \(Int(Double(rounds * pairs) / elapsed)) a second") }
    }
}
