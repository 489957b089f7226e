import Platform
import RaftSimulation
import Synchronization
import Testing

@testable import Raft

/// Log and snapshots that are sealed: what holds of plain ones holds of them, and a wrong key is not taken for damage.
@Suite struct SealedFilesTests {
    private static let segmentBytes = 4096

    /// Keys, and nonces that are remembered.
    private final class Drawing: Sendable {
        private let random = Mutex(SeededGenerator(seed: 11))
        let drawn = Mutex<[[UInt8]]>([])

        func bytes(_ count: Int) -> [UInt8] {
            let bytes = random.withLock { random in (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) } }
            drawn.withLock { $0.append(bytes) }
            return bytes
        }
    }

    private static func key(_ number: UInt32, _ byte: UInt8 = 7) throws -> DataKey {
        try #require(DataKey(number: number, bytes: [UInt8](repeating: byte, count: 32)))
    }

    private static func sealing(_ keys: DataKey..., drawing: Drawing = Drawing()) throws -> FileSealing {
        FileSealing(try #require(DataKeys(keys))) { drawing.bytes($0) }
    }

    private func open(_ disk: SimulatedDisk, _ sealing: FileSealing?, seed: UInt64 = 1) throws -> (
        log: SegmentLog, recovered: SegmentLog.Recovered
    ) {
        try SegmentLog.open(disk: disk, segmentBytes: Self.segmentBytes, sealing: sealing, seed: seed)
    }

    private func entries(_ indexes: ClosedRange<LogIndex>, term: Term = 1, bytes: Int = 30) -> [Entry] {
        indexes.map { Entry(index: $0, term: term, kind: .command, data: [UInt8](repeating: 0xa7, count: bytes)) }
    }

    private func code(_ body: () throws -> Void) -> RaftError.Code? {
        do { try body() } catch { return (error as? RaftError)?.code }
        return nil
    }

    /// Files in which the entries' bytes are found.
    private func plain(on disk: SimulatedDisk) -> [String] {
        disk.names.filter { name in
            var run = 0
            return disk.content(of: name).contains { byte in
                run = byte == 0xa7 ? run + 1 : 0
                return run == 16
            }
        }
    }

    // MARK: The log

    @Test func entriesAreThereAgainAndNotOnTheDisk() throws {
        let disk = SimulatedDisk(seed: 1)
        let sealing = try Self.sealing(Self.key(1))
        var log = try open(disk, sealing).log
        for index in 1...60 as ClosedRange<LogIndex> {
            if index % 7 == 0 { log = try open(disk, sealing, seed: index).log }
            try log.append(entries(index...index, bytes: 200), previousTerm: index == 1 ? 0 : 1, commitIndex: index - 1)
        }
        try log.append(entries(50...52, term: 2), previousTerm: 1, commitIndex: 40)
        let (_, recovered) = try open(disk, sealing, seed: 99)
        #expect(recovered.entries == entries(1...49, bytes: 200) + entries(50...52, term: 2))
        #expect(recovered.commitIndex == 52)
        #expect(plain(on: disk) == [])
    }

    /// What version 2 looks like on disk: header, and the first bytes of a batch, its nonce and ciphertext.
    @Test func goldenBytes() throws {
        let disk = SimulatedDisk(seed: 1)
        let (log, _) = try open(disk, try Self.sealing(Self.key(5)))
        try log.append(entries(1...2), previousTerm: 0, commitIndex: 0)
        let text = Digest.hex(disk.content(of: "segment-0000000000000001").prefix(64 + 64 + 12 + 4))
        #expect(text == Self.golden)
    }

    private static let golden =
        "4d52544c4f473100" + "02000000" + "00050000" + "c15c0289ec2d0a91" + "0100000000000000" + "0000000000000000"
        + "0000000000000000" + "0010000000000000" + "00000000" + "2fda0453"
        + "42544348" + "01000000" + "c15c0289ec2d0a91" + "0000000000000000" + "0100000000000000" + "0000000000000000"
        + "0000000000000000" + "02000000" + "72000000" + "00000000" + "b7193bb7"
        + "9da16df0c40e64ea762a601d" + "3443deff"

    @Test func noNonceIsDrawnTwice() throws {
        let drawing = Drawing()
        let sealing = try Self.sealing(Self.key(1), drawing: drawing)
        let disk = SimulatedDisk(seed: 1)
        disk.freeBytes = 9000
        var log = try open(disk, sealing).log
        var index: LogIndex = 1
        while (try? log.append(entries(index...index, bytes: 400), previousTerm: index == 1 ? 0 : 1, commitIndex: 0))
            != nil
        {
            index += 1
        }
        // What found the disk full is written in the same place later, and is something else then.
        _ = try? log.append(entries(index...index, bytes: 300), previousTerm: 1, commitIndex: 0)
        disk.freeBytes = nil
        log = try open(disk, sealing, seed: 2).log
        try log.append(entries(index...index + 1), previousTerm: 1, commitIndex: 0)
        let drawn = drawing.drawn.withLock { $0 }
        #expect(drawn.count > 10 && Set(drawn).count == drawn.count)
    }

    /// scenarios.md, Raft and storage, 11: a torn tail is cut, wherever it was torn.
    @Test func aTornTailIsCut() throws {
        let disk = SimulatedDisk(seed: 1)
        let sealing = try Self.sealing(Self.key(1))
        let (log, _) = try open(disk, sealing)
        try log.append(entries(1...3), previousTerm: 0, commitIndex: 0)
        let name = "segment-0000000000000001"
        let before = disk.content(of: name)
        try log.append(entries(4...20, bytes: 100), previousTerm: 1, commitIndex: 0)
        let after = disk.content(of: name)
        let batch = before.indices.first { before[$0] != after[$0] }.map { $0 / 64 * 64 } ?? 0
        let end = (after.lastIndex { $0 != 0 } ?? 0) + 1
        for cut in batch..<end {
            disk.modify(name) { $0 = Array(after[..<cut]) + [UInt8](repeating: 0, count: after.count - cut) }
            #expect(try open(disk, sealing, seed: 2).recovered.lastIndex == 3, "torn at \(cut)")
        }
        for sector in stride(from: (batch / 512 + 1) * 512, to: end, by: 512) {
            disk.modify(name) { bytes in
                bytes = after
                for position in sector..<min(sector + 512, bytes.count) { bytes[position] = 0 }
            }
            #expect(try open(disk, sealing, seed: 2).recovered.lastIndex == 3, "without sector \(sector)")
        }
    }

    /// scenarios.md, Raft and storage, 11: no bit may change, and what did is called damage, not a wrong key.
    @Test func everyFlippedBitIsDamage() throws {
        let disk = SimulatedDisk(seed: 1)
        let sealing = try Self.sealing(Self.key(1))
        let (log, _) = try open(disk, sealing)
        for index in 1...3 as ClosedRange<LogIndex> {
            try log.append(entries(index...index), previousTerm: index == 1 ? 0 : 1, commitIndex: 0)
        }
        let name = "segment-0000000000000001"
        let whole = disk.content(of: name)
        let end = (whole.lastIndex { $0 != 0 } ?? 0) + 1
        for position in 0..<end {
            for bit in 0..<8 {
                disk.modify(name) { bytes in
                    bytes = whole
                    bytes[position] ^= 1 << bit
                }
                #expect(code { _ = try open(disk, sealing) } == .corrupted, "bit \(bit) of byte \(position)")
            }
        }
    }

    @Test func aWrongKeyIsCalledThat() throws {
        let disk = SimulatedDisk(seed: 1)
        let (log, _) = try open(disk, try Self.sealing(Self.key(1)))
        try log.append(entries(1...3), previousTerm: 0, commitIndex: 0)
        for other in [nil, try Self.sealing(Self.key(2)), try Self.sealing(Self.key(1, 8))] {
            #expect(code { _ = try open(disk, other) } == .wrongKey)
        }
        #expect(try open(disk, try Self.sealing(Self.key(1))).recovered.lastIndex == 3)
    }

    /// A batch that was put into another segment, checksums and all, does not open there.
    @Test func aSegmentsHeaderIsPartOfItsKey() throws {
        let header = SegmentFormat.SegmentHeader(
            id: 1, sequence: 2, isReset: false, baseIndex: 3, baseTerm: 4, capacity: 5, previousChain: 6, keyNumber: 1)
        let key = try Self.key(1)
        let nonce = [UInt8](repeating: 0, count: 12)
        let record = try #require(header.cipher(key)).seal([1], nonce: nonce, context: [])
        let changes: [(inout SegmentFormat.SegmentHeader) -> Void] = [
            { $0.id = 9 }, { $0.sequence = 9 }, { $0.isReset = true }, { $0.baseIndex = 9 }, { $0.baseTerm = 9 },
            { $0.capacity = 9 }, { $0.previousChain = 9 }, { $0.keyNumber = 2 },
        ]
        for change in changes {
            var other = header
            change(&other)
            #expect(other.cipher(key)?.open(record, context: []) == nil)
        }
        #expect(header.cipher(key)?.open(record, context: []) == [1])
    }

    /// Logs that are plain, or sealed with an earlier key, are written anew when they are opened; the power may go meanwhile.
    @Test(arguments: [false, true]) func whatIsNotSealedWithTheNewestKeyIsWrittenAnew(isPlain: Bool) throws {
        let before = isPlain ? nil : try Self.sealing(Self.key(1))
        let after = isPlain ? try Self.sealing(Self.key(2)) : try Self.sealing(Self.key(1), Self.key(2))
        let only = try Self.sealing(Self.key(2))
        for operation in 1...60 {
            let disk = SimulatedDisk(seed: UInt64(operation))
            var log = try open(disk, before).log
            for index in 1...30 as ClosedRange<LogIndex> {
                try log.append(
                    entries(index...index, term: index / 10 + 1, bytes: 200),
                    previousTerm: index == 1 ? 0 : (index - 1) / 10 + 1, commitIndex: index - 1)
            }
            try log.compact(through: 12)
            let expected = try open(disk, before, seed: 2).recovered
            #expect(expected.baseIndex > 0)
            disk.operationsUntilPowerLoss = operation
            let isCut = (try? open(disk, after, seed: 3)) == nil
            disk.restorePower()
            var recovered = SegmentLog.Recovered()
            (log, recovered) = try open(disk, after, seed: 4)
            #expect(recovered.entries == expected.entries && recovered.baseIndex == expected.baseIndex)
            #expect(recovered.baseTerm == expected.baseTerm && recovered.commitIndex == expected.commitIndex)
            #expect(plain(on: disk) == [], "cut at \(operation): \(isCut)")
            try log.append(entries(31...31, term: 9), previousTerm: 4, commitIndex: 30)
            #expect(try open(disk, only, seed: 5).recovered.lastIndex == 31)
        }
    }

    @Test func withoutSpaceToWriteItAnewItIsReadAllTheSame() throws {
        let disk = SimulatedDisk(seed: 1)
        try open(disk, nil).log.append(entries(1...3), previousTerm: 0, commitIndex: 0)
        // Also without the space that the spare segment gives back.
        disk.freeBytes = -Self.segmentBytes
        let sealing = try Self.sealing(Self.key(1))
        let (log, recovered) = try open(disk, sealing)
        #expect(recovered.lastIndex == 3 && log.isFull)
        #expect(code { try log.append(entries(4...4), previousTerm: 1, commitIndex: 0) } == .diskFull)
        disk.freeBytes = nil
        try log.append(entries(4...4), previousTerm: 1, commitIndex: 0)
        #expect(plain(on: disk) == ["segment-0000000000000001"], "new ones are sealed at once")
        #expect(try open(disk, sealing, seed: 2).recovered.lastIndex == 4)
        #expect(plain(on: disk) == [])
    }

    /// A key that comes while the log is written seals from the next batch on.
    @Test func aNewKeyBeginsASegment() throws {
        let disk = SimulatedDisk(seed: 1)
        let sealing = try Self.sealing(Self.key(1))
        let (log, _) = try open(disk, sealing)
        try log.append(entries(1...3), previousTerm: 0, commitIndex: 0)
        sealing.keys.add(try Self.key(2))
        try log.append(entries(4...5), previousTerm: 1, commitIndex: 3)
        #expect(log.segmentNames.count == 2)
        #expect(code { _ = try open(disk, try Self.sealing(Self.key(1))) } == .wrongKey)
        #expect(try open(disk, sealing, seed: 2).recovered.entries == entries(1...5))
    }

    // MARK: Snapshots

    private static let state = [UInt8](repeating: 0xa7, count: 200_000)

    private func write(_ index: LogIndex, _ state: [UInt8] = Self.state, to store: SnapshotStore) throws {
        try store.write(
            index,
            stride(from: 0, to: state.count, by: 70_000).map { Array(state[$0..<min($0 + 70_000, state.count)]) })
    }

    @Test func aSnapshotIsThereAgainAndNotOnTheDisk() throws {
        let disk = SimulatedDisk(seed: 1)
        let sealing = try Self.sealing(Self.key(1))
        for count in [0, 1, 65_536 - 70, 200_000] {
            let store = try SnapshotStore.open(disk: disk, sealing: sealing)
            try write(LogIndex(count + 5), Array(Self.state.prefix(count)), to: store)
            #expect(try store.readAll().count == count)
            try #require(store.check()).run()
            #expect(try SnapshotStore.open(disk: disk, sealing: sealing).readAll().count == count)
        }
        #expect(plain(on: disk) == [])
    }

    /// Members send each other what is in their snapshots, and each seals it for itself.
    @Test(arguments: [(nil, 1), (1, nil), (1, 2), (nil, nil)] as [(UInt32?, UInt32?)])
    func membersSealWhatTheyReceive(from: UInt32?, to: UInt32?) throws {
        let sender = try SnapshotStore.open(
            disk: SimulatedDisk(seed: 1), sealing: from.map { try Self.sealing(Self.key($0)) })
        try write(5, to: sender)
        let disk = SimulatedDisk(seed: 2)
        let sealing = try to.map { try Self.sealing(Self.key($0, 9)) }
        let receiver = try SnapshotStore.open(disk: disk, sealing: sealing)
        var offset: UInt64 = 0
        var isThere = false
        while !isThere {
            let chunk = try #require(try sender.piece(of: .ofTest(5), at: offset, limit: 9_999))
            disk.freeBytes = offset == 0 || offset > 100_000 ? 0 : nil
            if disk.freeBytes != nil, (try? receiver.keep(chunk)) != nil, to == nil {
                Issue.record("a full disk was not noticed")
            }
            disk.freeBytes = nil
            // The same piece once more, after the disk was full.
            isThere = try receiver.receive([chunk])
            offset += UInt64(chunk.bytes.count)
        }
        #expect(try receiver.readAll() == Self.state)
        #expect(try SnapshotStore.open(disk: disk, sealing: sealing).readAll() == Self.state)
        #expect(plain(on: disk).isEmpty == (to != nil))
    }

    @Test func damageToASnapshotIsCalledThat() throws {
        let disk = SimulatedDisk(seed: 1)
        let sealing = try Self.sealing(Self.key(1))
        try write(5, Array(Self.state.prefix(300)), to: SnapshotStore.open(disk: disk, sealing: sealing))
        let name = try #require(disk.names.first)
        let whole = disk.content(of: name)
        for position in whole.indices {
            disk.modify(name) { bytes in
                bytes = whole
                bytes[position] ^= 16
            }
            #expect(
                code { _ = try SnapshotStore.open(disk: disk, sealing: sealing).readAll() } == .corrupted,
                "byte \(position)")
        }
        for count in 0..<whole.count {
            disk.modify(name) { $0 = Array(whole.prefix(count)) }
            #expect(code { _ = try SnapshotStore.open(disk: disk, sealing: sealing).readAll() } == .corrupted)
        }
        disk.modify(name) { $0 = whole }
        for other in [nil, try Self.sealing(Self.key(2)), try Self.sealing(Self.key(1, 8))] {
            #expect(code { _ = try SnapshotStore.open(disk: disk, sealing: other).readAll() } == .wrongKey)
        }
    }

    @Test(arguments: [false, true]) func aSnapshotIsWrittenAnewWithTheNewestKey(isPlain: Bool) throws {
        let before = isPlain ? nil : try Self.sealing(Self.key(1))
        let after = isPlain ? try Self.sealing(Self.key(2)) : try Self.sealing(Self.key(1), Self.key(2))
        for operation in 1...30 {
            let disk = SimulatedDisk(seed: UInt64(operation))
            try write(5, to: SnapshotStore.open(disk: disk, sealing: before))
            disk.operationsUntilPowerLoss = operation
            _ = try? SnapshotStore.open(disk: disk, sealing: after)
            disk.restorePower()
            #expect(try SnapshotStore.open(disk: disk, sealing: after).readAll() == Self.state)
            #expect(plain(on: disk) == [] && disk.names.count == 1)
            #expect(try SnapshotStore.open(disk: disk, sealing: Self.sealing(Self.key(2))).readAll() == Self.state)
        }
        // Without the space for it, the next start does it.
        let disk = SimulatedDisk(seed: 1)
        try write(5, to: SnapshotStore.open(disk: disk, sealing: before))
        disk.freeBytes = 1000
        #expect(try SnapshotStore.open(disk: disk, sealing: after).readAll() == Self.state)
        #expect(disk.names.count == 1)
    }

    @Test func garbageIsNoSnapshotFile() throws {
        var random = SeededGenerator(seed: 9)
        let disk = SimulatedDisk(seed: 1)
        let sealing = try Self.sealing(Self.key(1))
        try write(5, Array(Self.state.prefix(900)), to: SnapshotStore.open(disk: disk, sealing: sealing))
        let name = try #require(disk.names.first)
        let whole = disk.content(of: name)
        for _ in 0..<1_500 {
            disk.modify(name) { bytes in
                bytes = whole
                for _ in 0...random.below(6) {
                    bytes[Int(random.below(UInt64(bytes.count)))] = UInt8(truncatingIfNeeded: random.next())
                }
                // A header that checks, whatever it says.
                let checksum = CRC32C.checksum(bytes[0..<60])
                bytes.replaceSubrange(60..<64, with: withUnsafeBytes(of: checksum.littleEndian, Array.init))
            }
            _ = try? SnapshotStore.open(disk: disk, sealing: sealing).readAll()
        }
    }
}
