import Testing

@testable import Raft

@Suite struct ConfigurationTests {
    private static let all = (1...4).map { Member(id: NodeID(UInt64($0)), address: "m") }

    static let samples: [Configuration] = [
        Configuration(voters: [all[1]]),
        Configuration(voters: [all[0]], learners: [all[1]]),
        Configuration(voters: [all[0], all[1]], outgoing: [all[1], all[2]], learners: [all[3]], leavesItself: true),
        Configuration(voters: [all[0]], outgoing: [all[1]]),
    ]

    /// What older members wrote is read, and what they understand is written as they wrote it.
    @Test func goldenBytes() throws {
        func member(_ number: Int) -> String { "0\(number)00000000000000" + "01000000" + "6d" }
        let golden = [
            "01" + "0100" + member(2),
            "02" + "00" + "0100" + member(1) + "0000" + "0100" + member(2),
            "02" + "01" + "0200" + member(1) + member(2) + "0200" + member(2) + member(3) + "0100" + member(4),
            "02" + "00" + "0100" + member(1) + "0100" + member(2) + "0000",
        ]
        for (configuration, expected) in zip(Self.samples, golden) {
            let bytes = configuration.encoded()
            #expect(bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == expected)
            #expect(try Configuration(decoding: bytes) == configuration)
        }
    }

    @Test(arguments: samples.indices) func everyOtherByteStringIsRefused(_ position: Int) {
        let bytes = Self.samples[position].encoded()
        for count in 0..<bytes.count {
            #expect(throws: RaftError.self) { try Configuration(decoding: Array(bytes.prefix(count))) }
        }
        var random = SeededGenerator(seed: 7)
        for _ in 0..<5_000 {
            var damaged = bytes
            damaged[Int(random.below(UInt64(bytes.count)))] = UInt8(truncatingIfNeeded: random.next())
            guard let configuration = try? Configuration(decoding: damaged) else { continue }
            #expect(configuration.encoded() == damaged)
        }
    }

    @Test func bothHalvesMustAgree() {
        let configuration = Configuration(voters: Array(Self.all[0...2]), outgoing: [Self.all[3]])
        #expect(configuration.agreed { $0.value == 4 ? 5 : 9 } == 5)
        #expect(configuration.agreed { $0.value == 4 ? 9 : $0.value == 1 ? 0 : 7 } == 7)
        var tally = VoteTally()
        for number in 1...3 { tally.record(true, from: NodeID(UInt64(number))) }
        #expect(tally.outcome(in: configuration) == .open)
        var refused = tally
        refused.record(false, from: NodeID(4))
        #expect(refused.outcome(in: configuration) == .lost)
        tally.record(true, from: NodeID(4))
        #expect(tally.outcome(in: configuration) == .won)
    }

    @Test func encodesAndDecodes() throws {
        let configuration = Configuration(voters: [
            Member(id: NodeID(7), address: "10.0.0.7:2377"), Member(id: NodeID(1), address: "10.0.0.1:2377"),
        ])
        #expect(configuration.voters.map(\.id.value) == [1, 7])
        #expect(try Configuration(decoding: configuration.encoded()) == configuration)
    }
}
