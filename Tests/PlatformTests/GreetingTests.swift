import TestSupport
import Testing

@testable import Platform

@Suite struct GreetingTests {
    /// What nodes of different versions agree on.
    @Test func bytesAreFixed() {
        #expect(Greeting.client(.dispatch) == [UInt8]("MARTLET\0".utf8) + [0, 2, 0, 0, 2])
        #expect(Greeting.server(refusing: nil) == [UInt8]("MARTLET\0".utf8) + [0, 2, 0, 0, 0, 0])
        #expect(Greeting.server(refusing: "no") == [UInt8]("MARTLET\0".utf8) + [0, 2, 0, 0, 1, 2] + [UInt8]("no".utf8))
        #expect(ChannelPurpose.allCases.map(\.rawValue) == [1, 2, 3, 4, 5])
    }

    @Test func whatIsWrongIsSaid() {
        let good = Greeting.client(.raft)
        #expect(throws: ChannelError.notMartlet) { try Greeting.readClient([UInt8]("GET / HTTP/1.".utf8)) }
        #expect(throws: ChannelError.version(major: 3)) {
            try Greeting.readClient(Array(good[..<8]) + [0, 3, 0, 0, 1])
        }
        for bytes in [Array(good[..<12]), good + [0], Array(good[..<12]) + [9], Array(good[..<9]), []] {
            #expect(throws: ChannelError.self) { try Greeting.readClient(bytes) }
        }
        #expect(throws: ChannelError.self) { try Greeting.readServer(good) }
        #expect(throws: ChannelError.self) { try Greeting.readServer(Array(good[..<12]) + [2, 0]) }
    }

    @Test func aHigherMinorVersionIsContentWithALowerOne() throws {
        let bytes = Array(Greeting.client(.raft)[..<8]) + [0, 2, 0, 9, 1]
        #expect(try Greeting.readClient(bytes).minor == 0)
    }

    @Test func garbageIsRefused() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        let mutator = Mutator(
            [Greeting.client(.api), Greeting.server(refusing: "no"), Greeting.server(refusing: nil)],
            spice: [[0, 2, 0, 0], [0xff], [UInt8]("MARTLET\0".utf8)], seed: seed)
        try await mutator.feed { bytes, _ in
            if let (purpose, _) = try? Greeting.readClient(bytes) {
                #expect(bytes.count == Greeting.clientLength && bytes[12] == purpose.rawValue, "seed \(seed)")
            }
            _ = try? Greeting.readServer(bytes)
        }
    }
}
