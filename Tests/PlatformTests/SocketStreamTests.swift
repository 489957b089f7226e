import Platform
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct SocketStreamTests {
    @Test(arguments: [true, false]) func talksOverListeners(isUnix: Bool) async throws {
        let folder = try TemporaryDirectory()
        let loop = try EventLoop(name: "test-listen")
        defer { loop.stop() }
        let address = isUnix ? SocketAddress.unix(folder.file("s")) : .ipv4(.loopback, 0)
        let listener = try SocketListener(on: address, loop: loop) { stream in
            Task(executorPreference: loop) {
                while let bytes = try? await stream.read(upTo: 100), !bytes.isEmpty { try await stream.write(bytes) }
                stream.close()
            }
        }
        #expect(listener.address.port != 0)
        let streams = try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                group.addTask {
                    let stream = try await SocketStream.connect(to: listener.address, loop: loop)
                    for round in 0..<20 {
                        try await stream.write([UInt8(number), UInt8(round)])
                        #expect(try await stream.read(upTo: 10) == [UInt8(number), UInt8(round)])
                    }
                    try await stream.shutdownWrite()
                    #expect(try await stream.read(upTo: 10).isEmpty)
                    #expect(try await stream.read(upTo: 10).isEmpty)
                    stream.close()
                }
            }
            var count = 0
            for try await _ in group { count += 1 }
            return count
        }
        #expect(streams == 20)
        listener.close()
        await #expect(throws: SystemError.self) {
            try await SocketStream.connect(to: listener.address, loop: loop, timeout: .seconds(1))
        }
    }

    @Test func aSlowReaderHoldsTheWriter() async throws {
        let loop = try EventLoop(name: "test-pressure")
        defer { loop.stop() }
        let (left, right) = try SocketStream.pair(loop: loop)
        let size = 4 << 20
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let written = SharedFlag()
        let writer = Task(executorPreference: loop) {
            try await left.write(bytes)
            written.set()
            try await left.shutdownWrite()
        }
        try await Task.sleep(for: .milliseconds(50))
        #expect(!written.isSet)
        var received: [UInt8] = []
        while true {
            let piece = try await right.read(upTo: 50_000)
            if piece.isEmpty { break }
            received += piece
        }
        try await writer.value
        #expect(received == bytes)
    }

    @Test func writesOfSeveralTasksAreNotMixed() async throws {
        let loop = try EventLoop(name: "test-mix")
        defer { loop.stop() }
        let (left, right) = try SocketStream.pair(loop: loop)
        let size = 300_000
        for number in 0..<5 {
            Task { try await left.write([UInt8](repeating: UInt8(number), count: size)) }
        }
        var received: [UInt8] = []
        while received.count < 5 * size { received += try await right.read(upTo: 65_536) }
        for start in stride(from: 0, to: received.count, by: size) {
            #expect(Set(received[start..<start + size]).count == 1)
        }
    }

    @Test func closingWakesWhoWaits() async throws {
        let loop = try EventLoop(name: "test-close")
        defer { loop.stop() }
        let (left, right) = try SocketStream.pair(loop: loop)
        let reader = Task { try await left.read(upTo: 1) }
        let writer = Task { try await left.write([UInt8](repeating: 0, count: 10 << 20)) }
        try await Task.sleep(for: .milliseconds(30))
        left.close()
        left.close()
        await #expect(throws: SystemError.self) { try await reader.value }
        await #expect(throws: SystemError.self) { try await writer.value }
        await #expect(throws: SystemError.self) { try await left.read(upTo: 1) }
        await #expect(throws: SystemError.self) { try await left.write([1]) }
        while try await !right.read(upTo: 1 << 20).isEmpty {}
        await #expect(throws: SystemError.self) { try await right.write([1]) }
    }

    @Test func cancellingAReadLosesNothing() async throws {
        let loop = try EventLoop(name: "test-cancel")
        defer { loop.stop() }
        let (left, right) = try SocketStream.pair(loop: loop)
        for round in 0..<50 {
            let reader = Task { try await left.read(upTo: 1) }
            if round.isMultiple(of: 2) { await Task.yield() }
            reader.cancel()
            await #expect(throws: CancellationError.self) { try await reader.value }
        }
        try await right.write([7])
        #expect(try await left.read(upTo: 10) == [7])
    }

    @Test func oneReaderAtATime() async throws {
        let loop = try EventLoop(name: "test-two")
        defer { loop.stop() }
        let (left, right) = try SocketStream.pair(loop: loop)
        let reader = Task { try await left.read(upTo: 1) }
        try await Task.sleep(for: .milliseconds(20))
        await #expect(throws: SystemError.self) { try await left.read(upTo: 1) }
        try await right.write([1])
        #expect(try await reader.value == [1])
    }

    @Test func connectingToNobodyFails() async throws {
        let folder = try TemporaryDirectory()
        let loop = try EventLoop(name: "test-nobody")
        defer { loop.stop() }
        let missing = folder.file("missing")
        let error = await #expect(throws: SystemError.self) {
            try await SocketStream.connect(to: .unix(missing), loop: loop)
        }
        #expect(error?.call == "connect")
        // 192.0.2.0/24 is nobody's (RFC 5737): no answer, or no route.
        let start = ContinuousClock.now
        await #expect(throws: SystemError.self) {
            try await SocketStream.connect(
                to: .ipv4(IPv4Address(192, 0, 2, 1), 9), loop: loop, timeout: .milliseconds(200))
        }
        #expect(ContinuousClock.now - start < .seconds(5))
    }

    @Test func aDeadSocketFileIsReplacedAndALiveOneIsNot() async throws {
        let folder = try TemporaryDirectory()
        let loop = try EventLoop(name: "test-stale")
        defer { loop.stop() }
        let path = folder.file("s")
        let first = try SocketListener(on: .unix(path), loop: loop) { _ in }
        #expect(throws: SystemError.self) { _ = try SocketListener(on: .unix(path), loop: loop) { _ in } }
        first.close()
        #expect(!Files.exists(path))
        let again = try SocketListener(on: .unix(path), loop: loop) { _ in }
        again.close()
    }
}

private final class SharedFlag: Sendable {
    private let value = Atomic(false)
    var isSet: Bool { value.load(ordering: .relaxed) }
    func set() { value.store(true, ordering: .relaxed) }
}
