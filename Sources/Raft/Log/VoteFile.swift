internal import Platform

/// Term and vote on disk: two copies, each with its checksum, written and synced one after the other. While one is being
/// written the other is whole, and at rest both say the same, so a torn write and a damaged sector are both survived.
package final class VoteFile {
    private static let name = "vote"
    private static let magic: UInt64 = 0x0031_4554_4f56_524d  // "MRVOTE1\0"
    private static let slotOffsets = [0, 4096]
    private static let recordBytes = 44

    private struct Record: Equatable {
        var counter: UInt64
        var member: NodeID
        var state: HardState
    }

    private let file: any DiskFile
    private var record: Record
    private var failure: RaftError?

    private init(file: any DiskFile, record: Record) {
        self.file = file
        self.record = record
    }

    /// Opens the file, or makes it if there is none. Throws `corrupted` if both copies are damaged, `alreadyInUse` if it is
    /// another member's, `storageFailed`.
    package static func open(
        disk: any Disk, member: NodeID
    ) throws(RaftError) -> (file: VoteFile, state: HardState, isNew: Bool) {
        do {
            guard try disk.list().contains(name) else {
                let record = Record(counter: 0, member: member, state: HardState())
                let file = try disk.open("\(name).tmp", creating: true)
                for offset in slotOffsets { try file.write(encode(record), at: offset) }
                try file.sync()
                try disk.rename("\(name).tmp", to: name)
                try disk.syncDirectory()
                return (VoteFile(file: file, record: record), record.state, true)
            }
            let file = try disk.open(name, creating: false)
            let copies = try slotOffsets.map { decode(try file.read(at: $0, count: recordBytes)) }
            guard let newest = copies.compactMap({ $0 }).max(by: { $0.counter < $1.counter }) else {
                throw RaftError(.corrupted, "both copies of term and vote are damaged")
            }
            guard newest.member == member else {
                throw RaftError(.alreadyInUse, "the log is that of member \(newest.member), not \(member)")
            }
            // What was read may never have been synced, so both are written again; first one that holds it already, while the
            // other is as it was.
            let places = zip(slotOffsets, copies)
            for (offset, _) in places.filter({ $0.1 == newest }) + places.filter({ $0.1 != newest }) {
                try file.write(encode(newest), at: offset)
                try file.sync()
            }
            try disk.syncDirectory()
            return (VoteFile(file: file, record: newest), newest.state, false)
        } catch let error as RaftError {
            throw error
        } catch {
            throw RaftError(.storageFailed, "cannot open term and vote", cause: error)
        }
    }

    /// Returns once the state is durable. Throws `storageFailed`, then for ever.
    package func write(_ state: HardState) throws(RaftError) {
        if let failure { throw failure }
        record.state = state
        record.counter += 1
        do {
            for offset in Self.slotOffsets {
                try file.write(Self.encode(record), at: offset)
                try file.sync()
            }
        } catch {
            let failure = RaftError(.storageFailed, "cannot write term \(state.term)", cause: error)
            self.failure = failure
            throw failure
        }
    }

    private static func encode(_ record: Record) -> [UInt8] {
        var writer = ByteWriter(reserving: recordBytes)
        writer.integer(magic)
        writer.integer(record.counter)
        writer.integer(record.member.value)
        writer.integer(record.state.term)
        writer.integer(record.state.vote?.value ?? 0)
        writer.integer(CRC32C.checksum(writer.bytes))
        return writer.bytes
    }

    private static func decode(_ bytes: [UInt8]) -> Record? {
        guard bytes.count == recordBytes, CRC32C.checksum(bytes[0..<40]) == bytes.load(UInt32.self, at: 40),
            bytes.load(UInt64.self, at: 0) == magic
        else { return nil }
        let vote = bytes.load(UInt64.self, at: 32)
        return Record(
            counter: bytes.load(UInt64.self, at: 8), member: NodeID(bytes.load(UInt64.self, at: 16)),
            state: HardState(term: bytes.load(UInt64.self, at: 24), vote: vote == 0 ? nil : NodeID(vote)))
    }
}
