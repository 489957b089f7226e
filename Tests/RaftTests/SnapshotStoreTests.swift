import RaftSimulation
import TestSupport
import Testing

@testable import Raft

@Suite(.besideOthers) struct SnapshotStoreTests {
    private func metadata(_ index: LogIndex) -> SnapshotMetadata {
        SnapshotMetadata(
            index: index, term: 3, configuration: Configuration(voters: [Member(id: NodeID(1), address: "m1")]))
    }

    private func write(_ index: LogIndex, _ pieces: [[UInt8]], to store: SnapshotStore) throws {
        let writer = try store.write(metadata(index))
        for piece in pieces { try writer.append(piece) }
        try writer.end()
        try store.finish(writer)
    }

    private func readAll(_ store: SnapshotStore) throws -> [UInt8] {
        let source = try #require(try store.read())
        var bytes: [UInt8] = []
        while true {
            let more = try source.read(upTo: 10)
            if more.isEmpty { return bytes }
            bytes += more
        }
    }

    @Test func theNewestIsKept() throws {
        let disk = SimulatedDisk(seed: 1)
        let store = try SnapshotStore.open(disk: disk)
        #expect(store.latest == nil)
        try write(5, [[1, 2, 3], [4]], to: store)
        try write(9, [[UInt8](repeating: 7, count: 25)], to: store)
        #expect(disk.names.count == 1)
        let again = try SnapshotStore.open(disk: disk)
        #expect(again.latest == metadata(9))
        #expect(try readAll(again) == [UInt8](repeating: 7, count: 25))
    }

    @Test func aFollowerMayReadAnOlderOneToItsEnd() throws {
        let store = try SnapshotStore.open(disk: SimulatedDisk(seed: 1))
        try write(5, [[UInt8](repeating: 1, count: 500)], to: store)
        let first = try #require(try store.piece(of: metadata(5), at: 0, limit: 100))
        try write(9, [[2]], to: store)
        let second = try #require(try store.piece(of: metadata(5), at: 100, limit: 1000))
        #expect(first.bytes.count == 100 && second.bytes.count == Int(first.totalBytes) - 100)
        #expect(try store.piece(of: metadata(4), at: 0, limit: 100) == nil)
    }

    @Test func whatArrivesIsChecked() throws {
        let sender = try SnapshotStore.open(disk: SimulatedDisk(seed: 1))
        try write(5, [[UInt8](repeating: 1, count: 500)], to: sender)
        func pieces() throws -> [Message.SnapshotChunk] {
            var all: [Message.SnapshotChunk] = []
            while all.last.map({ $0.offset + UInt64($0.bytes.count) < $0.totalBytes }) ?? true {
                let offset = all.last.map { $0.offset + UInt64($0.bytes.count) } ?? 0
                all.append(try #require(try sender.piece(of: metadata(5), at: offset, limit: 99)))
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
        #expect(receiver.latest == metadata(5))
        #expect(try readAll(receiver) == [UInt8](repeating: 1, count: 500))
        #expect(disk.names.count == 1)
    }

    @Test func piecesThatDoNotFollowEachOtherAreNoSnapshot() throws {
        let receiver = try SnapshotStore.open(disk: SimulatedDisk(seed: 2))
        let first = Message.SnapshotChunk(metadata: metadata(5), totalBytes: 9, offset: 0, bytes: [1, 2, 3])
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
        try write(5, [[UInt8](repeating: 1, count: 100), [5, 6]], to: store)
        let name = try #require(disk.names.first)
        let whole = disk.content(of: name)
        for position in whole.indices {
            disk.modify(name) { bytes in
                bytes = whole
                bytes[position] ^= 16
            }
            #expect(throws: RaftError.self) { try readAll(try SnapshotStore.open(disk: disk)) }
        }
        for count in 0..<whole.count {
            disk.modify(name) { $0 = Array(whole.prefix(count)) }
            #expect(throws: RaftError.self) { try readAll(try SnapshotStore.open(disk: disk)) }
        }
    }

    @Test func anUnfinishedOneIsForgotten() throws {
        let disk = SimulatedDisk(seed: 1)
        let store = try SnapshotStore.open(disk: disk)
        let writer = try store.write(metadata(5))
        try writer.append([1])
        #expect(try SnapshotStore.open(disk: disk).latest == nil)
        #expect(disk.names.isEmpty)
    }

    /// What version 1 looks like on disk.
    @Test func goldenBytes() throws {
        let disk = SimulatedDisk(seed: 1)
        let store = try SnapshotStore.open(disk: disk)
        try write(5, [[0xaa, 0xbb]], to: store)
        let text = disk.content(of: disk.names[0]).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(disk.names == ["snapshot-0000000000000005-0000000000000003"])
        #expect(text.hasPrefix("4d52534e41503100" + "01000000" + "0500000000000000" + "0300000000000000" + "11000000"))
    }
}

extension SnapshotStore {
    /// Keeps the pieces, and checks what they make, as a driver and its threads do. True where it is the newest then.
    func receive(_ chunks: [Message.SnapshotChunk]) throws -> Bool {
        for chunk in chunks {
            guard case .whole(let file) = try keep(chunk) else { continue }
            let arrival = SnapshotArrival(chunk.metadata, file, for: RecordingStateMachine(), isForMending: false)
            try arrival.run()
            try finish(arrived: file, chunk.metadata)
            return true
        }
        return false
    }
}
