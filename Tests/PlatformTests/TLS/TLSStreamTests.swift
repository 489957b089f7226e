import Synchronization
import TestSupport
import Testing

@testable import Platform

@Suite(.timeLimit(.minutes(2))) struct TLSStreamTests {
    private static func readAll(_ stream: TLSStream, upTo limit: Int = 64 << 10) async throws -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let bytes = try await stream.read(upTo: limit)
            #expect(bytes.count <= limit)
            if bytes.isEmpty { return all }
            all += bytes
        }
    }

    @Test func eachEndKnowsTheOtherByItsCertificate() async throws {
        let loop = try EventLoop(name: "test-tls")
        defer { loop.stop() }
        let pair = try await TLSPair.make(on: loop)
        #expect(pair.client.peer?.node == PeerIdentity(nodeID: "m1", role: .manager, clusterID: "c1"))
        #expect(pair.server.peer?.node == PeerIdentity(nodeID: "n1", role: .worker, clusterID: "c1"))
        #expect(pair.client.version == "TLSv1.3")
        try await pair.client.write([1, 2, 3])
        #expect(try await pair.server.read(upTo: 2) == [1, 2])
        #expect(try await pair.server.read(upTo: 2) == [3])
        try await pair.server.write([4])
        #expect(try await pair.client.read(upTo: 100) == [4])
    }

    @Test(arguments: [1, 1000, 16_384, 16_385, 300_000, 5_000_000])
    func largeTransfersGoBothWaysAtOnce(size: Int) async throws {
        let loop = try EventLoop(name: "test-tls")
        defer { loop.stop() }
        let pair = try await TLSPair.make(on: loop)
        let (up, down) = (randomBytes(size), randomBytes(size))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (stream, sent, expected) in [(pair.client, up, down), (pair.server, down, up)] {
                group.addTask {
                    for start in stride(from: 0, to: sent.count, by: 1_000_003) {
                        try await stream.write(Array(sent[start..<min(sent.count, start + 1_000_003)]))
                    }
                    try await stream.shutdownWrite()
                }
                group.addTask {
                    let received = try await Self.readAll(stream, upTo: size > 1 ? 70_000 : 1)
                    #expect(received == expected)
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func writesOfSeveralTasksAreNotMixed() async throws {
        let loop = try EventLoop(name: "test-tls")
        defer { loop.stop() }
        let pair = try await TLSPair.make(on: loop)
        let size = 100_000
        try await withThrowingTaskGroup(of: Void.self) { group in
            for byte in UInt8(1)...8 {
                group.addTask {
                    for _ in 0..<5 { try await pair.client.write([UInt8](repeating: byte, count: size)) }
                }
            }
            var all: [UInt8] = []
            while all.count < 40 * size { all += try await pair.server.read(upTo: 256 << 10) }
            for start in stride(from: 0, to: all.count, by: size) {
                let piece = all[start..<start + size]
                #expect(piece.allSatisfy { $0 == piece[start] })
            }
            try await group.waitForAll()
        }
    }

    /// What is handed on without waiting comes whole and in order, before what is written after it, also where the reader is slow.
    @Test func whatIsHandedOnWithoutWaitingKeepsItsPlace() async throws {
        let loop = try EventLoop(name: "test-tls")
        defer { loop.stop() }
        let pair = try await TLSPair.make(on: loop)
        var expected: [UInt8] = []
        // Until the connection is full: then nothing more is taken, and nothing of it sent.
        for round in 0..<10_000 {
            let piece = [UInt8](repeating: UInt8(truncatingIfNeeded: round), count: 50_000)
            guard pair.client.tryWrite(piece) else { break }
            expected += piece
        }
        #expect(!pair.client.isClear)
        #expect(expected.count >= 50_000 && expected.count < 100 << 20)
        let last = randomBytes(100_000)
        async let write: Void = pair.client.write(last)
        var received: [UInt8] = []
        while received.count < expected.count + last.count { received += try await pair.server.read(upTo: 256 << 10) }
        try await write
        #expect(received == expected + last)
        #expect(pair.client.isClear)
        #expect(!pair.client.tryWrite([UInt8](repeating: 0, count: TLSSession.chunk + 1)))
        pair.client.close()
        #expect(!pair.client.isClear && !pair.client.tryWrite([1]))
    }

    @Test func oneSideMayEndBeforeTheOther() async throws {
        let loop = try EventLoop(name: "test-tls")
        defer { loop.stop() }
        let pair = try await TLSPair.make(on: loop)
        try await pair.client.write([1])
        try await pair.client.shutdownWrite()
        #expect(try await Self.readAll(pair.server) == [1])
        #expect(try await pair.server.read(upTo: 1).isEmpty)
        await #expect(throws: TLSError.ended) { try await pair.client.write([2]) }
        let answer = randomBytes(200_000)
        async let written: Void = {
            try await pair.server.write(answer)
            try await pair.server.shutdownWrite()
        }()
        #expect(try await Self.readAll(pair.client) == answer)
        try await written
    }

    @Test func closingSaysSo() async throws {
        let loop = try EventLoop(name: "test-tls")
        defer { loop.stop() }
        let pair = try await TLSPair.make(on: loop)
        try await pair.client.write([1])
        pair.client.close()
        pair.client.close()
        #expect(try await Self.readAll(pair.server) == [1])
        await #expect(throws: (any Error).self) { try await pair.client.read(upTo: 1) }
        await #expect(throws: (any Error).self) { try await pair.client.write([1]) }
    }

    @Test func anEndWithoutAWordIsAnError() async throws {
        let loop = try EventLoop(name: "test-tls")
        defer { loop.stop() }
        let wire = try await TLSWire.make(on: loop)
        try await wire.client.write([1, 2, 3])
        wire.cut()
        #expect(try await wire.server.read(upTo: 10) == [1, 2, 3])
        await #expect(throws: TLSError.truncated) { try await wire.server.read(upTo: 10) }
        await #expect(throws: TLSError.truncated) { try await wire.server.read(upTo: 10) }
    }

    @Test(arguments: [0, 1, 4, 5, 20, 40]) func aChangedRecordEndsTheConnection(place: Int) async throws {
        let loop = try EventLoop(name: "test-tls")
        defer { loop.stop() }
        let wire = try await TLSWire.make(on: loop)
        wire.tamper { bytes in
            var bytes = bytes
            bytes[min(place, bytes.count - 1)] ^= 0x10
            return bytes
        }
        try await wire.client.write([UInt8](repeating: 7, count: 30))
        wire.cut()
        await #expect(throws: TLSError.self) { try await wire.server.read(upTo: 10) }
        await #expect(throws: (any Error).self) { try await wire.server.write([1]) }
    }

    @Test func recordsSentTwiceOrLeftOutEndTheConnection() async throws {
        let loop = try EventLoop(name: "test-tls")
        defer { loop.stop() }
        for twice in [true, false] {
            let wire = try await TLSWire.make(on: loop)
            wire.tamper { twice ? $0 + $0 : [] }
            try await wire.client.write([1])
            wire.tamper { $0 }
            try await wire.client.write([2])
            if twice { #expect(try await wire.server.read(upTo: 1) == [1]) }
            await #expect(throws: TLSError.self) { try await wire.server.read(upTo: 1) }
        }
    }

    /// TLS 1.3 has no renegotiation; one that asks for it with a second hello, as older versions let one, has ended.
    @Test func aSecondHelloEndsTheConnection() async throws {
        let loop = try EventLoop(name: "test-tls")
        defer { loop.stop() }
        var fresh = TLSSession(.client(try #require(TLSPair.client)))
        _ = fresh.handshake()
        let hello = fresh.takeOutgoing()
        #expect(hello.starts(with: [22, 3]))
        let wire = try await TLSWire.make(on: loop)
        wire.tamper { _ in hello }
        try await wire.client.write([1])
        await #expect(throws: TLSError.malformed("bad record type")) { try await wire.server.read(upTo: 1) }
    }

    @Test func aCancelledWriteClosesAndLetsTheOthersGo() async throws {
        let loop = try EventLoop(name: "test-tls")
        defer { loop.stop() }
        let pair = try await TLSPair.make(on: loop)
        let writers = (0..<3).map { _ in
            Task { try await pair.client.write([UInt8](repeating: 0, count: 8 << 20)) }
        }
        try await Task.sleep(for: .milliseconds(50))
        writers[2].cancel()
        for writer in writers { await #expect(throws: (any Error).self) { try await writer.value } }
    }

    @Test func aCancelledReadHarmsNothing() async throws {
        let loop = try EventLoop(name: "test-tls")
        defer { loop.stop() }
        let pair = try await TLSPair.make(on: loop)
        let reader = Task { try await pair.client.read(upTo: 1) }
        try await Task.sleep(for: .milliseconds(20))
        reader.cancel()
        await #expect(throws: CancellationError.self) { try await reader.value }
        try await pair.server.write([9])
        #expect(try await pair.client.read(upTo: 1) == [9])
    }

    @Test func keysAreChangedOnTheWay() throws {
        let server = try #require(TLSPair.server)
        let client = try #require(TLSPair.client)
        var left = TLSSession(.client(client), recordsPerKey: 2)
        var right = TLSSession(.server(server))
        var isDone = (false, false)
        while !(isDone.0 && isDone.1) {
            if case .done = left.handshake() { isDone.0 = true }
            right.feed(left.takeOutgoing())
            if case .done = right.handshake() { isDone.1 = true }
            let answer = right.takeOutgoing()
            if !answer.isEmpty { left.feed(answer) }
        }
        var longest = 0
        for byte in UInt8(0)..<20 {
            var offset = 0
            let records = try left.encrypt([byte], from: &offset).get()
            longest = max(longest, records.count)
            right.feed(records)
            guard case .bytes([byte]) = right.read(upTo: 10) else {
                Issue.record("byte \(byte) is lost")
                return
            }
        }
        #expect(longest > 40, "no KeyUpdate went out")
    }
}
