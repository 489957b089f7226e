import Testing

@testable import Raft

@Suite struct IncomingSnapshotTests {
    private static let configuration = Configuration(voters: [Member(id: NodeID(1), address: "m1")])
    private static let metadata = SnapshotMetadata(index: 20, term: 2, configuration: configuration)
    private var incoming = IncomingSnapshot(from: NodeID(2), metadata: metadata, totalBytes: 30)

    private func chunk(_ offset: UInt64, _ count: Int = 5, of total: UInt64 = 30) -> Message.SnapshotChunk {
        .init(
            metadata: Self.metadata, totalBytes: total, offset: offset,
            bytes: [UInt8](repeating: UInt8(truncatingIfNeeded: offset), count: count))
    }

    private mutating func take(_ offset: UInt64, _ count: Int = 5, limit: Int = 15) -> [UInt64] {
        incoming.take(chunk(offset, count), holding: limit).map(\.offset)
    }

    @Test mutating func piecesAreWrittenInOrderInWhateverTheyCome() {
        #expect(take(10) == [] && take(5) == [] && take(10) == [])
        #expect(incoming.nextOffset == 0)
        #expect(take(0) == [0, 5, 10])
        #expect(incoming.nextOffset == 15 && !incoming.isWhole)
        #expect(take(5) == [] && take(25) == [])
        #expect(take(15) == [15])
        #expect(take(20) == [20, 25] && incoming.isWhole)
        #expect(take(20) == [])
    }

    @Test mutating func nothingIsTakenBehindItsEnd() {
        #expect(take(0, 31, limit: 100) == [] && take(30) == [] && take(.max) == [])
        #expect(take(0, 30) == [0] && incoming.isWhole)
        #expect(take(30) == [] && incoming.isWhole)
    }

    @Test mutating func whatIsHeldIsBounded() {
        #expect(take(5) == [] && take(10) == [] && take(15) == [] && take(20) == [])
        #expect(take(0) == [0, 5, 10, 15], "the last was too much, and comes again")
        #expect(take(25, limit: 0) == [] && take(20) == [20])
        #expect(incoming.nextOffset == 25)
    }

    /// Of another size than what was sent before.
    @Test mutating func piecesThatOverlapAreLeftOut() {
        #expect(take(5) == [] && take(10) == [])
        #expect(take(0, 8) == [0])
        #expect(take(8, 2) == [8, 10])
        #expect(incoming.nextOffset == 15)
        #expect(take(15, 0) == [] && incoming.nextOffset == 15)
    }

    /// A leader that has taken its snapshot at the same entry once more has another file.
    @Test func aPieceOfAnotherFileIsNone() {
        #expect(incoming.isPart(chunk(0), from: NodeID(2)))
        #expect(!incoming.isPart(chunk(0, of: 31), from: NodeID(2)))
        #expect(!incoming.isPart(chunk(0), from: NodeID(3)))
    }
}
