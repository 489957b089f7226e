import Platform
import RaftSimulation
import TestSupport
import Testing

@testable import Raft

@Suite(.besideOthers) struct SegmentLogTests {
    private static let segmentBytes = 4096

    private func open(_ disk: SimulatedDisk, seed: UInt64 = 1) throws -> (
        log: SegmentLog, recovered: SegmentLog.Recovered
    ) {
        try SegmentLog.open(disk: disk, segmentBytes: Self.segmentBytes, seed: seed)
    }

    private func entries(_ indexes: ClosedRange<LogIndex>, term: Term = 1, bytes: Int = 30) -> [Entry] {
        indexes.map { Entry(index: $0, term: term, kind: .command, data: [UInt8](repeating: 0xa7, count: bytes)) }
    }

    private func code(_ body: () throws -> Void) -> RaftError.Code? {
        do { try body() } catch { return (error as? RaftError)?.code }
        return nil
    }

    @Test func remembersEntriesAndCommit() throws {
        let disk = SimulatedDisk(seed: 1)
        let (log, empty) = try open(disk)
        #expect(empty.lastIndex == 0)
        try log.append(entries(1...3), previousTerm: 0, commitIndex: 0)
        try log.append(entries(4...4, term: 2), previousTerm: 1, commitIndex: 3)
        let (_, recovered) = try open(disk)
        #expect(recovered.entries == entries(1...3) + entries(4...4, term: 2))
        #expect(recovered.commitIndex == 3)
        #expect(disk.syncs == 4, "the segment's start, one for each batch, and one when it was opened again")
    }

    @Test func aLaterBatchCutsOffWhatItReplaces() throws {
        let disk = SimulatedDisk(seed: 1)
        let (log, _) = try open(disk)
        try log.append(entries(1...5), previousTerm: 0, commitIndex: 0)
        try log.append(entries(3...4, term: 2), previousTerm: 1, commitIndex: 2)
        let (again, recovered) = try open(disk, seed: 2)
        #expect(recovered.entries.map(\.term) == [1, 1, 2, 2])
        try again.append(entries(5...5, term: 3), previousTerm: 2, commitIndex: 2)
        #expect(try open(disk, seed: 3).recovered.entries.map(\.term) == [1, 1, 2, 2, 3])
    }

    /// What a process wrote and did not sync is there for the next one to read, and gone when the power goes.
    @Test(arguments: [false, true]) func whatWasReadIsDurable(forgetful: Bool) throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            let disk = SimulatedDisk(seed: seed)
            let (log, _) = try open(disk)
            try log.append(entries(1...3), previousTerm: 0, commitIndex: 0)
            disk.operationsUntilError = 2
            disk.errorsForgetPages = forgetful
            #expect(code { try log.append(entries(4...4), previousTerm: 1, commitIndex: 3) } == .storageFailed)
            disk.processEnded()
            #expect(try open(disk, seed: 2).recovered.lastIndex == 4)
            disk.restorePower()
            #expect(try open(disk, seed: 3).recovered.lastIndex == 4)
        }
    }

    @Test func segmentsFollowEachOtherAndLeave() throws {
        let disk = SimulatedDisk(seed: 1)
        let (log, _) = try open(disk)
        for index in 1...100 as ClosedRange<LogIndex> {
            try log.append(entries(index...index, bytes: 200), previousTerm: index == 1 ? 0 : 1, commitIndex: index - 1)
        }
        let before = log.segmentNames
        #expect(before.count > 5)
        try log.compact(through: 60)
        #expect(log.segmentNames.count < before.count)
        let (_, recovered) = try open(disk)
        #expect(recovered.baseIndex > 0 && recovered.baseIndex <= 60)
        #expect(recovered.lastIndex == 100)
        #expect(recovered.entries.count == Int(100 - recovered.baseIndex))
        try log.compact(through: 100)
        #expect(log.segmentNames.count == 1, "the one being written stays")
    }

    @Test func aBatchLargerThanASegmentHasOneOfItsOwn() throws {
        let disk = SimulatedDisk(seed: 1)
        let (log, _) = try open(disk)
        try log.append(entries(1...1, bytes: 3 * Self.segmentBytes), previousTerm: 0, commitIndex: 0)
        try log.append(entries(2...2), previousTerm: 1, commitIndex: 0)
        #expect(try open(disk).recovered.entries.map(\.data.count) == [3 * Self.segmentBytes, 30])
    }

    @Test func aResetLeavesNothingOfTheOldLog() throws {
        let disk = SimulatedDisk(seed: 1)
        let (log, _) = try open(disk)
        try log.append(entries(1...40, bytes: 200), previousTerm: 0, commitIndex: 0)
        try log.reset(index: 90, term: 7)
        try log.append(entries(91...92, term: 8), previousTerm: 7, commitIndex: 90)
        let (_, recovered) = try open(disk)
        #expect(recovered.baseIndex == 90 && recovered.baseTerm == 7)
        #expect(recovered.entries == entries(91...92, term: 8))
    }

    /// A log of five batches, the last of several sectors, and where the last begins and ends in its segment.
    private func five() throws -> (disk: SimulatedDisk, name: String, last: Range<Int>) {
        let disk = SimulatedDisk(seed: 1)
        let (log, _) = try open(disk)
        var end = 64
        for index in 1...5 as ClosedRange<LogIndex> {
            let batch = entries(index...index, bytes: index == 5 ? 1300 : 50)
            try log.append(batch, previousTerm: index == 1 ? 0 : 1, commitIndex: index - 1)
            if index < 5 { end += SegmentFormat.extent(ofPayload: 50 + Entry.overheadBytes) }
        }
        let name = try #require(log.segmentNames.last)
        return (disk, name, end..<end + SegmentFormat.extent(ofPayload: 1300 + Entry.overheadBytes))
    }

    private func expectCut(_ disk: SimulatedDisk, _ comment: Comment) throws {
        let (log, recovered) = try open(disk, seed: 77)
        #expect(recovered.lastIndex == 4, comment)
        try log.append(entries(5...5, term: 2), previousTerm: 1, commitIndex: 4)
        let (_, again) = try open(disk, seed: 78)
        #expect(again.entries.map(\.term) == [1, 1, 1, 1, 2], comment)
    }

    /// scenarios.md, Raft and storage, 11: a torn tail is cut, wherever it was torn.
    @Test func aTailTornAtAnyByteIsCut() throws {
        let (disk, name, last) = try five()
        let whole = disk.content(of: name)
        for cut in last.dropLast(1) {
            disk.modify(name) { bytes in
                bytes = whole
                for position in cut..<last.upperBound { bytes[position] = 0 }
            }
            try expectCut(disk, "torn at \(cut)")
        }
    }

    @Test func aFileThatEndsAnywhereInItsTailIsCut() throws {
        let (disk, name, last) = try five()
        let whole = disk.content(of: name)
        for end in stride(from: last.lowerBound, to: last.upperBound - 1, by: 7) {
            disk.modify(name) { $0 = Array(whole.prefix(end)) }
            try expectCut(disk, "ends at \(end)")
        }
    }

    @Test func aTailThatLacksAnySectorIsCut() throws {
        let (disk, name, last) = try five()
        let whole = disk.content(of: name)
        for sector in (last.lowerBound / 512)...((last.upperBound - 1) / 512) {
            disk.modify(name) { bytes in
                bytes = whole
                for position in max(sector * 512, last.lowerBound)..<min(sector * 512 + 512, last.upperBound) {
                    bytes[position] = 0
                }
            }
            try expectCut(disk, "without sector \(sector)")
        }
    }

    /// scenarios.md, Raft and storage, 11: damage is an error, never a shorter log; in the last batch too.
    @Test(arguments: 0..<8) func aBitFlippedAnywhereIsDetected(bit: Int) throws {
        let (disk, name, last) = try five()
        let whole = disk.content(of: name)
        for position in 0..<last.upperBound {
            disk.modify(name) { bytes in
                bytes = whole
                bytes[position] ^= 1 << UInt8(bit)
            }
            let code = code { _ = try open(disk) }
            if code != .corrupted { Issue.record("bit \(bit) of byte \(position): \(String(describing: code))") }
        }
        // Behind the end a flipped bit costs nothing and loses nothing.
        disk.modify(name) { bytes in
            bytes = whole
            bytes[last.upperBound + 100] ^= 1 << UInt8(bit)
        }
        #expect(try open(disk).recovered.lastIndex == 5)
    }

    @Test func aLostSectorInTheMiddleIsDetected() throws {
        let (disk, name, last) = try five()
        disk.modify(name) { bytes in for position in 192..<256 { bytes[position] = 0 } }
        #expect(code { _ = try open(disk) } == .corrupted)
        #expect(last.lowerBound > 256)
    }

    @Test func aMissingOrExchangedSegmentIsDetected() throws {
        let disk = SimulatedDisk(seed: 1)
        let (log, _) = try open(disk)
        for index in 1...40 as ClosedRange<LogIndex> {
            try log.append(entries(index...index, bytes: 200), previousTerm: index == 1 ? 0 : 1, commitIndex: 0)
        }
        let names = log.segmentNames
        // The tail of a segment that is not the last: its end is known by the next one's start.
        let second = disk.content(of: names[1])
        disk.modify(names[1]) { bytes in for position in 3000..<bytes.count { bytes[position] = 0 } }
        #expect(code { _ = try open(disk) } == .corrupted)
        disk.modify(names[1]) { $0 = disk.content(of: names[2]) }
        #expect(code { _ = try open(disk) } == .corrupted)
        disk.modify(names[1]) { $0 = second }
        #expect(try open(disk).recovered.lastIndex == 40)
        try disk.remove(names[1])
        let (_, recovered) = try open(disk)
        #expect(recovered.baseIndex > 0, "for the driver to refuse: no snapshot reaches it")
    }

    @Test func garbageNeitherTrapsNorPasses() throws {
        var random = SeededGenerator(seed: 5)
        let (disk, name, last) = try five()
        let whole = disk.content(of: name)
        for _ in 0..<1_500 {
            disk.modify(name) { bytes in
                bytes = whole
                for _ in 0...random.below(30) {
                    bytes[Int(random.below(UInt64(last.upperBound)))] = UInt8(truncatingIfNeeded: random.next())
                }
            }
            if let recovered = try? open(disk).recovered { #expect(recovered.entries.allSatisfy { $0.term == 1 }) }
        }
        for length in [0, 1, 63, 64, 65, 500, 4096] {
            disk.modify(name) { bytes in
                bytes = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            }
            #expect(code { _ = try open(disk) } == .corrupted)
        }
    }

    /// scenarios.md, Raft and storage, 11: a failed sync ends it; the next one, which would succeed, is not asked.
    @Test func aFailedSyncIsFinal() throws {
        let disk = SimulatedDisk(seed: 1)
        let (log, _) = try open(disk)
        try log.append(entries(1...1), previousTerm: 0, commitIndex: 0)
        disk.syncsFail = true
        #expect(code { try log.append(entries(2...2), previousTerm: 1, commitIndex: 0) } == .storageFailed)
        disk.syncsFail = false
        #expect(code { try log.append(entries(2...2), previousTerm: 1, commitIndex: 0) } == .storageFailed)
        #expect(code { try log.reserve() } == .storageFailed)
    }

    /// scenarios.md, Raft and storage, 11: disk full.
    @Test func aFullDiskIsKnownBeforeTheSegmentIs() throws {
        let disk = SimulatedDisk(seed: 1)
        let (log, _) = try open(disk)
        try log.append(entries(1...1), previousTerm: 0, commitIndex: 0)
        disk.freeBytes = 0
        var index: LogIndex = 2
        while !log.isFull {
            try log.append(entries(index...index, bytes: 200), previousTerm: 1, commitIndex: 0)
            index += 1
        }
        // There is room for what is on its way.
        try log.append(entries(index...index, bytes: 200), previousTerm: 1, commitIndex: 0)
        var refusal: RaftError.Code?
        while refusal == nil {
            index += 1
            refusal = code { try log.append(entries(index...index, bytes: 200), previousTerm: 1, commitIndex: 0) }
        }
        #expect(refusal == .diskFull)
        disk.freeBytes = nil
        try log.append(entries(index...index, bytes: 200), previousTerm: 1, commitIndex: 0)
        #expect(!log.isFull)
        #expect(try open(disk).recovered.lastIndex == index)
    }

    /// The power goes at every single operation: what was acknowledged is there, and nothing that was never written.
    @Test(arguments: 1...12 as ClosedRange<UInt64>) func powerLossLosesNothingAcknowledged(seed: UInt64) throws {
        for operation in 1...60 {
            let disk = SimulatedDisk(seed: seed &* 1000 &+ UInt64(operation))
            var random = SeededGenerator(seed: seed)
            var acknowledged: [Entry] = []
            var attempted: [Entry] = []
            disk.operationsUntilPowerLoss = operation
            do {
                let (log, _) = try open(disk, seed: seed)
                while true {
                    let next = LogIndex(acknowledged.count) + 1
                    let first = random.below(4) == 0 && next > 3 ? next - 2 : next
                    let term = Term(attempted.count / 8 + 1) + (first < next ? 1 : 0)
                    let batch = entries(
                        first...first + random.below(3), term: max(term, acknowledged.last?.term ?? 1),
                        bytes: Int(random.below(700)))
                    attempted = acknowledged.filter { $0.index < first } + batch
                    try log.append(
                        batch, previousTerm: first == 1 ? 0 : attempted[Int(first) - 2].term, commitIndex: 0)
                    acknowledged = attempted
                }
            } catch {}
            disk.restorePower()
            let (log, recovered) = try open(disk, seed: seed + 1)
            #expect(
                recovered.entries == acknowledged || recovered.entries == attempted,
                "seed \(seed), operation \(operation)")
            let next = recovered.lastIndex + 1
            try log.append(entries(next...next, term: 99), previousTerm: recovered.lastTerm, commitIndex: 0)
            #expect(try open(disk, seed: seed + 2).recovered.lastIndex == next)
        }
    }

    @Test func realFilesToo() throws {
        let folder = try TemporaryFolder()
        let disk = try DirectoryDisk(path: folder.path)
        let (log, _) = try SegmentLog.open(disk: disk, segmentBytes: 64 << 10, seed: 1)
        for index in 1...50 as ClosedRange<LogIndex> {
            try log.append(
                entries(index...index, bytes: 5000), previousTerm: index == 1 ? 0 : 1, commitIndex: index - 1)
        }
        try log.compact(through: 20)
        let (_, recovered) = try SegmentLog.open(disk: disk, segmentBytes: 64 << 10, seed: 2)
        #expect(recovered.lastIndex == 50 && recovered.commitIndex == 49)
        #expect(recovered.baseIndex > 0)
    }

    /// What a newer version wrote is not taken for damage.
    @Test func aSegmentOfANewerFormatIsCalledThat() throws {
        let header = SegmentFormat.SegmentHeader(
            id: 7, sequence: 1, isReset: false, baseIndex: 0, baseTerm: 0, capacity: 4096, previousChain: 0)
        var bytes = header.encoded()
        #expect(SegmentFormat.SegmentHeader.foreignVersion(bytes) == nil)
        bytes[8] = 3
        #expect(SegmentFormat.SegmentHeader.foreignVersion(bytes) == nil, "a bit that flipped is damage")
        bytes.replaceSubrange(
            60..<64, with: withUnsafeBytes(of: CRC32C.checksum(bytes[0..<60]).littleEndian, Array.init))
        #expect(SegmentFormat.SegmentHeader.foreignVersion(bytes) == 3)
        #expect(SegmentFormat.SegmentHeader(bytes) == nil)
    }
}
