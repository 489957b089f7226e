import Testing

@testable import Raft

@Suite struct MessageCodecTests {
    private static let configuration = Configuration(voters: [Member(id: NodeID(1), address: "a:1")])

    static let samples: [Message.Body] = [
        .vote(.init(isPreVote: true, lastIndex: 7, lastTerm: 3)),
        .voteResponse(.init(isPreVote: false, granted: true)),
        .append(
            .init(
                previousIndex: 9, previousTerm: 2, commit: 8,
                entries: [
                    Entry(index: 10, term: 2, kind: .command, data: [1, 2, 3]),
                    Entry(index: 11, term: 5, kind: .noop, data: []),
                    Entry(index: 12, term: 5, kind: .configuration, data: configuration.encoded()),
                ])),
        .appendResponse(.init(rejected: true, index: 9, hintIndex: 4, hintTerm: 1)),
        .heartbeat(.init(commit: 3, round: 17)),
        .heartbeatResponse(.init(round: 17)),
        .snapshot(
            .init(
                metadata: SnapshotMetadata(index: 5, term: 2, configuration: configuration), totalBytes: 100,
                offset: 40, bytes: [9, 8, 7])),
        .snapshotResponse(.init(index: 5, nextOffset: 43)),
        .timeoutNow,
        .vote(.init(isPreVote: false, isByTransfer: true, lastIndex: 7, lastTerm: 3)),
        .stateReport(Checkpoint(index: 5, digest: 0x0123_4567_89ab_cdef)),
        .stateVerdict(Checkpoint(index: 5, digest: 1)),
        .stateRequest(.init(appliedIndex: 6, metadata: nil, offset: 0)),
        .stateRequest(
            .init(
                appliedIndex: 6, metadata: SnapshotMetadata(index: 7, term: 2, configuration: configuration),
                offset: 9)),
        .stateChunk(
            .init(
                metadata: SnapshotMetadata(index: 5, term: 2, configuration: configuration), totalBytes: 100,
                offset: 40, bytes: [9, 8, 7])),
        .stateMended,
    ]

    private func message(_ body: Message.Body) -> Message {
        Message(from: NodeID(0x0102), to: NodeID(3), term: 5, body: body)
    }

    @Test(arguments: samples.indices) func roundTrip(_ position: Int) throws {
        let message = message(Self.samples[position])
        #expect(try Message(decoding: message.encoded()) == message)
    }

    /// What version 1 looks like on the wire; a change of it needs another version.
    @Test func goldenBytes() {
        let header = "0201000000000000" + "0300000000000000" + "0500000000000000"
        let golden = [
            "0101" + header + "01" + "0700000000000000" + "0300000000000000",
            "0102" + header + "00" + "01",
            "0103" + header + "0900000000000000" + "0200000000000000" + "0800000000000000" + "03000000"
                + "0200000000000000" + "01" + "03000000" + "010203" + "0500000000000000" + "00" + "00000000"
                + "0500000000000000" + "02" + "12000000" + "01" + "0100" + "0100000000000000" + "03000000" + "613a31",
            "0104" + header + "01" + "0900000000000000" + "0400000000000000" + "0100000000000000",
            "0105" + header + "0300000000000000" + "1100000000000000",
            "0106" + header + "1100000000000000",
            "0107" + header + "0500000000000000" + "0200000000000000" + "12000000" + "01" + "0100"
                + "0100000000000000" + "03000000" + "613a31" + "6400000000000000" + "2800000000000000" + "03000000"
                + "090807",
            "0108" + header + "0500000000000000" + "2b00000000000000",
            "0109" + header,
            "0101" + header + "02" + "0700000000000000" + "0300000000000000",
            "010a" + header + "0500000000000000" + "efcdab8967452301",
            "010b" + header + "0500000000000000" + "0100000000000000",
            "010c" + header + "0600000000000000" + "00" + "0000000000000000",
            "010c" + header + "0600000000000000" + "01" + "0700000000000000" + "0200000000000000" + "12000000" + "01"
                + "0100" + "0100000000000000" + "03000000" + "613a31" + "0900000000000000",
            "010d" + header + "0500000000000000" + "0200000000000000" + "12000000" + "01" + "0100"
                + "0100000000000000" + "03000000" + "613a31" + "6400000000000000" + "2800000000000000" + "03000000"
                + "090807",
            "010e" + header,
        ]
        for (body, expected) in zip(Self.samples, golden) {
            let text = message(body).encoded().map { byte in
                (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }.joined()
            #expect(text == expected)
        }
    }

    @Test func otherVersionsAreRefused() {
        var bytes = message(Self.samples[0]).encoded()
        bytes[0] = 2
        #expect(throws: RaftError.self) { try Message(decoding: bytes) }
    }

    @Test(arguments: samples.indices) func everyCutIsRefused(_ position: Int) {
        let bytes = message(Self.samples[position]).encoded()
        for count in 0..<bytes.count {
            #expect(throws: RaftError.self) { try Message(decoding: Array(bytes.prefix(count))) }
        }
        #expect(throws: RaftError.self) { try Message(decoding: bytes + [0]) }
    }

    /// Damaged messages parse to something or are refused; a core that is given them does not trap.
    @Test func garbageIsBorne() throws {
        var random = SeededGenerator(seed: 99)
        let group = try CoreGroup(logs: [[1, 1, 2], [1], [1]], hardTerm: 2)
        var parsed = 0
        for _ in 0..<20_000 {
            var bytes = message(Self.samples[Int(random.below(UInt64(Self.samples.count)))]).encoded()
            for _ in 0...random.below(4) {
                let position = Int(random.below(UInt64(bytes.count)))
                switch random.below(3) {
                case 0: bytes[position] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes[position] ^= UInt8(1) << UInt8(random.below(8))
                default: bytes[position] = random.below(2) == 0 ? 0xff : 0
                }
            }
            bytes.replaceSubrange(10..<18, with: [1, 0, 0, 0, 0, 0, 0, 0])
            guard let message = try? Message(decoding: bytes) else { continue }
            parsed += 1
            group[1].receive(message, at: group.now)
            _ = group[1].takeEffects()
        }
        #expect(parsed > 1000)
        for _ in 0..<20_000 {
            let bytes = (0..<random.below(80)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            _ = try? Message(decoding: [1] + bytes)
        }
    }
}
