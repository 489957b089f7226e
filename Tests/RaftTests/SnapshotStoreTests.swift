import RaftSimulation
import TestSupport
import Testing

@testable import Raft

@Suite(.besideOthers) struct SnapshotStoreTests {
    @Test func theNewestIsKept() throws {
        let disk = SimulatedDisk(seed: 1)
        let store = try SnapshotStore.open(disk: disk)
        #expect(store.latest == nil)
        try store.write(5, [[1, 2, 3], [4]])
        try store.write(9, [[UInt8](repeating: 7, count: 25)])
        #expect(disk.names.count == 1)
        let again = try SnapshotStore.open(disk: disk)
        #expect(again.latest == .ofTest(9))
        #expect(try again.readAll() == [UInt8](repeating: 7, count: 25))
    }

    @Test func aFollowerMayReadAnOlderOneToItsEnd() throws {
        let store = try SnapshotStore.open(disk: SimulatedDisk(seed: 1))
        try store.write(5, [[UInt8](repeating: 1, count: 500)])
        let first = try #require(try store.piece(of: .ofTest(5), at: 0, limit: 100))
        try store.write(9, [[2]])
        let second = try #require(try store.piece(of: .ofTest(5), at: 100, limit: 1000))
        #expect(first.bytes.count == 100 && second.bytes.count == Int(first.totalBytes) - 100)
        #expect(try store.piece(of: .ofTest(4), at: 0, limit: 100) == nil)
    }

    @Test func whatArrivesIsChecked() throws {
        let sender = try SnapshotStore.open(disk: SimulatedDisk(seed: 1))
        try sender.write(5, [[UInt8](repeating: 1, count: 500)])
        func pieces() throws -> [Message.SnapshotChunk] {
            var all: [Message.SnapshotChunk] = []
            while all.last.map({ $0.offset + UInt64($0.bytes.count) < $0.totalBytes }) ?? true {
                let offset = all.last.map { $0.offset + UInt64($0.bytes.count) } ?? 0
                all.append(try #require(try sender.piece(of: .ofTest(5), at: offset, limit: 99)))
            }
            return all
        }
        let disk = SimulatedDisk(seed: 2)
        let receiver = try SnapshotStore.open(disk: disk)
        let good = try pieces()
        for position in good.indices {
            var damaged = good
            damaged[position].bytes[3] ^= 4
            #expect(throws: RaftError.self, "piece \(position)") { try receiver.receive(damaged) }
            #expect(receiver.latest == nil)
        }
        #expect(try receiver.receive(good))
        #expect(receiver.latest == .ofTest(5))
        #expect(try receiver.readAll() == [UInt8](repeating: 1, count: 500))
        #expect(disk.names.count == 1)
    }

    @Test func piecesThatDoNotFollowEachOtherAreNoSnapshot() throws {
        let receiver = try SnapshotStore.open(disk: SimulatedDisk(seed: 2))
        let first = Message.SnapshotChunk(metadata: .ofTest(5), totalBytes: 9, offset: 0, bytes: [1, 2, 3])
        var second = first
        second.offset = 3
        var late = first
        late.offset = 4
        #expect(try !receiver.receive([first, second]))
        for chunk in [late, second] {
            guard case .misfit = try receiver.keep(chunk) else { continue }
            return
        }
        Issue.record("a piece behind a gap was kept")
    }

    @Test func damageIsDetected() throws {
        let disk = SimulatedDisk(seed: 1)
        let store = try SnapshotStore.open(disk: disk)
        try store.write(5, [[UInt8](repeating: 1, count: 100), [5, 6]])
        let name = try #require(disk.names.first)
        let whole = disk.content(of: name)
        for position in whole.indices {
            disk.modify(name) { bytes in
                bytes = whole
                bytes[position] ^= 16
            }
            #expect(throws: RaftError.self) { try SnapshotStore.open(disk: disk).readAll() }
        }
        for count in 0..<whole.count {
            disk.modify(name) { $0 = Array(whole.prefix(count)) }
            #expect(throws: RaftError.self) { try SnapshotStore.open(disk: disk).readAll() }
        }
    }

    @Test func anUnfinishedOneIsForgotten() throws {
        let disk = SimulatedDisk(seed: 1)
        let store = try SnapshotStore.open(disk: disk)
        let writer = try store.write(.ofTest(5))
        try writer.append([1])
        #expect(try SnapshotStore.open(disk: disk).latest == nil)
        #expect(disk.names.isEmpty)
    }

    /// What version 1 looks like on disk.
    @Test func goldenBytes() throws {
        let disk = SimulatedDisk(seed: 1)
        let store = try SnapshotStore.open(disk: disk)
        try store.write(5, [[0xaa, 0xbb]])
        let text = disk.content(of: disk.names[0]).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(disk.names == ["snapshot-0000000000000005-0000000000000003"])
        #expect(text.hasPrefix("4d52534e41503100" + "01000000" + "0500000000000000" + "0300000000000000" + "11000000"))
    }
}
