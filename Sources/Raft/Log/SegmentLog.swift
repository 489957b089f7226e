internal import Platform

/// The replicated log on disk: segment files that are only ever appended to. A batch that begins at or before the last
/// index cuts off what was there, so truncation needs no write of its own.
///
/// A failed sync ends it: what the kernel still holds of the data is unknown, so a second one proves nothing.
package final class SegmentLog {
    /// What `open` found.
    package struct Recovered {
        package var baseIndex: LogIndex = 0
        package var baseTerm: Term = 0
        package var entries: [Entry] = []
        package var commitIndex: LogIndex = 0

        package var lastIndex: LogIndex { baseIndex + UInt64(entries.count) }
        package var lastTerm: Term { entries.last?.term ?? baseTerm }

        package func term(at index: LogIndex) -> Term? {
            if index == baseIndex { return baseTerm }
            return index > baseIndex && index <= lastIndex ? entries[Int(index - baseIndex - 1)].term : nil
        }
    }

    private struct Segment {
        let name: String
        var highestIndex: LogIndex
    }

    private struct Active {
        let file: any DiskFile
        let header: SegmentFormat.SegmentHeader
        var offset = SegmentFormat.headerBytes
        var ordinal: UInt64 = 0
        var chain: UInt32 = 0
    }

    static let prefix = "segment-"
    private static let spareName = "spare"

    private let disk: any Disk
    private let segmentBytes: Int
    private var random: SeededGenerator
    private var segments: [Segment] = []
    /// Left from an interrupted removal.
    private var leftovers: [String] = []
    private var active: Active?
    private var spare: (any DiskFile)?
    private var nextSequence: UInt64 = 1
    private var lastIndex: LogIndex = 0
    private var lastTerm: Term = 0
    private var failure: RaftError?

    /// Whether there is no space for the next segment; `reserve` tries again.
    package private(set) var isFull = false

    /// Names of the segments, oldest first.
    package var segmentNames: [String] { segments.map(\.name) }

    private init(disk: any Disk, segmentBytes: Int, seed: UInt64) {
        self.disk = disk
        self.segmentBytes = max(segmentBytes, 4 * SegmentFormat.alignment)
        random = SeededGenerator(seed: seed)
    }

    /// Reads all segments, cuts a torn tail, and makes ready for appending. `seed` must differ at every start: segment ids
    /// are drawn from it. Throws `corrupted`, `storageFailed`, or `diskFull`.
    package static func open(
        disk: any Disk, segmentBytes: Int, seed: UInt64
    ) throws(RaftError) -> (log: SegmentLog, recovered: Recovered) {
        let log = SegmentLog(disk: disk, segmentBytes: segmentBytes, seed: seed)
        do {
            let recovered = try log.recover()
            return (log, recovered)
        } catch let error as RaftError {
            throw error
        } catch {
            throw log.storageFailure(error, "cannot open the log")
        }
    }

    /// Appends `entries`, whose indexes are consecutive, and syncs once. `previousTerm` is that of the entry before them.
    ///
    /// Throws `diskFull`, after which the same call may be repeated, or `storageFailed`, after which nothing may.
    package func append(
        _ entries: [Entry], previousTerm: Term, commitIndex: LogIndex
    ) throws(RaftError) {
        guard let first = entries.first, let last = entries.last else { return }
        if let failure { throw failure }
        precondition(first.index <= lastIndex + 1, "the log has no gaps")
        var payload = ByteWriter(reserving: entries.reduce(0) { $0 + $1.cost })
        for entry in entries { entry.encode(into: &payload) }
        let extent = SegmentFormat.extent(ofPayload: payload.bytes.count)
        if active.map({ $0.offset + extent > Int($0.header.capacity) }) ?? true {
            try rotate(isReset: false, forBytes: extent)
        }
        guard let current = active else { return }
        let header = SegmentFormat.BatchHeader(
            segmentID: current.header.id, ordinal: current.ordinal, firstIndex: first.index,
            previousTerm: previousTerm, commitIndex: commitIndex, count: UInt32(entries.count),
            payloadBytes: UInt32(payload.bytes.count), chain: current.chain)
        let (bytes, chain) = SegmentFormat.encode(header, payload: payload.bytes)
        do { try current.file.write(bytes, at: current.offset) } catch {
            throw storageFailure(error, "cannot write entry \(first.index)")
        }
        do { try current.file.sync() } catch { throw failed("cannot sync entry \(first.index)", error) }
        active?.offset += extent
        active?.ordinal += 1
        active?.chain = chain
        lastIndex = last.index
        lastTerm = last.term
        segments[segments.count - 1].highestIndex = max(segments[segments.count - 1].highestIndex, last.index)
    }

    /// Begins anew after `(index, term)`: a durable snapshot stands for everything up to it.
    package func reset(index: LogIndex, term: Term) throws(RaftError) {
        if let failure { throw failure }
        let (oldIndex, oldTerm) = (lastIndex, lastTerm)
        lastIndex = index
        lastTerm = term
        do { try rotate(isReset: true, forBytes: 0) } catch {
            (lastIndex, lastTerm) = (oldIndex, oldTerm)
            throw error
        }
        try removeSegments(segments.count - 1)
    }

    /// Removes the segments that hold nothing beyond `index`.
    package func compact(through index: LogIndex) throws(RaftError) {
        if let failure { throw failure }
        let count = segments.dropLast().prefix { $0.highestIndex <= index }.count
        if count > 0 { try removeSegments(count) }
    }

    /// Makes the next segment's file while this one still has room. Clears `isFull` when there is space again.
    package func reserve() throws(RaftError) {
        if let failure { throw failure }
        guard spare == nil else { return }
        do {
            spare = try makeSpare(segmentBytes)
            isFull = false
        } catch  where error.code == .diskFull {
            isFull = true
        } catch {
            throw error
        }
    }

    private func makeSpare(_ size: Int) throws(RaftError) -> any DiskFile {
        do {
            try? disk.remove(Self.spareName)
            let file = try disk.open(Self.spareName, creating: true)
            try file.allocate(size)
            return file
        } catch { throw storageFailure(error, "cannot make a segment of \(size) bytes") }
    }

    private func rotate(isReset: Bool, forBytes extent: Int) throws(RaftError) {
        let size = max(segmentBytes, SegmentFormat.headerBytes + extent)
        let file: any DiskFile
        if let spare, size == segmentBytes { file = spare } else { file = try makeSpare(size) }
        spare = nil
        let header = SegmentFormat.SegmentHeader(
            id: random.next(), sequence: nextSequence, isReset: isReset, baseIndex: lastIndex, baseTerm: lastTerm,
            capacity: UInt64(size), previousChain: isReset ? 0 : active?.chain ?? 0)
        let name = Self.prefix + hexadecimal(nextSequence)
        do {
            try file.write(header.encoded(), at: 0)
            try file.sync()
            try disk.rename(Self.spareName, to: name)
            try disk.syncDirectory()
        } catch { throw failed("cannot begin segment \(name)", error) }
        nextSequence += 1
        segments.append(Segment(name: name, highestIndex: isReset ? 0 : lastIndex))
        active = Active(file: file, header: header)
        try reserve()
    }

    private func removeSegments(_ count: Int) throws(RaftError) {
        do {
            for name in leftovers + segments.prefix(count).map(\.name) { try disk.remove(name) }
            try disk.syncDirectory()
        } catch { throw failed("cannot remove a segment", error) }
        leftovers = []
        segments.removeFirst(count)
    }

    private func failed(_ message: String, _ error: SystemError) -> RaftError {
        let failure = RaftError(.storageFailed, message, cause: error)
        self.failure = failure
        return failure
    }

    /// A full disk may get space again, and nothing was promised of the bytes; all else is the end.
    private func storageFailure(_ error: any Error, _ message: String) -> RaftError {
        guard let error = error as? SystemError else { return RaftError(.storageFailed, message, cause: error) }
        return error.isDiskFull ? RaftError(.diskFull, message, cause: error) : failed(message, error)
    }

    private func recover() throws -> Recovered {
        let names = try disk.list()
        if names.contains(Self.spareName) { try disk.remove(Self.spareName) }
        var recovered = Recovered()
        for (position, name) in contiguous(names).enumerated() {
            try recover(
                name, isFirst: position == 0, isLast: name == names.last(where: { $0.hasPrefix(Self.prefix) }),
                &recovered)
        }
        lastIndex = recovered.lastIndex
        lastTerm = recovered.lastTerm
        recovered.commitIndex = min(recovered.commitIndex, recovered.lastIndex)
        try reserve()
        return recovered
    }

    /// The newest segments whose sequence numbers follow each other. What is older is left from an interrupted removal; had
    /// it been needed, the driver finds no snapshot that reaches the log and says so.
    private func contiguous(_ names: [String]) -> [String] {
        var run: [(name: String, sequence: UInt64)] = []
        for name in names where name.hasPrefix(Self.prefix) {
            guard let sequence = UInt64(name.dropFirst(Self.prefix.count), radix: 16) else { continue }
            if let last = run.last, last.sequence + 1 != sequence {
                leftovers += run.map(\.name)
                run = []
            }
            run.append((name, sequence))
        }
        nextSequence = (run.last?.sequence ?? 0) + 1
        return run.map(\.name)
    }

    private func recover(_ name: String, isFirst: Bool, isLast: Bool, _ recovered: inout Recovered) throws {
        let file = try disk.open(name, creating: false)
        let bytes = try file.read(at: 0, count: try file.size())
        if let version = SegmentFormat.SegmentHeader.foreignVersion(bytes) {
            throw RaftError(
                .newerFormat,
                "segment \(name) is of format \(version), this version reads \(SegmentFormat.version): use the version of "
                    + "clusterd that wrote it, or a newer one")
        }
        guard let header = SegmentFormat.SegmentHeader(bytes), name == Self.prefix + hexadecimal(header.sequence) else {
            throw RaftError(.corrupted, "segment \(name) has a damaged header")
        }
        if isFirst || header.isReset {
            recovered.baseIndex = header.baseIndex
            recovered.baseTerm = header.baseTerm
            recovered.entries = []
        } else if header.previousChain != active?.chain ?? 0 || header.baseIndex != recovered.lastIndex {
            throw RaftError(.corrupted, "segment \(name) does not continue the one before it")
        }
        let reader = try SegmentReader(name: name, header: header, bytes: bytes)
        if reader.isTorn {
            guard isLast else {
                throw RaftError(.corrupted, "segment \(name) ends in a torn batch, but is not the last")
            }
            try file.truncate(to: reader.end)
            try file.allocate(Int(header.capacity))
        }
        if isLast { try makeDurable(reader.last, of: bytes, in: file) }
        var highest = header.isReset ? 0 : header.baseIndex
        for batch in reader.batches {
            try take(batch, of: name, into: &recovered)
            highest = max(highest, recovered.lastIndex)
        }
        segments.append(Segment(name: name, highestIndex: highest))
        active = Active(
            file: file, header: header, offset: reader.end, ordinal: UInt64(reader.batches.count), chain: reader.chain)
    }

    /// What was read may be in the kernel's memory alone: the process before may have ended before its sync, or because the sync
    /// failed, after which the kernel takes the pages for clean. So the last batch is written again; those before it were
    /// synced, or it would not have been begun.
    private func makeDurable(_ range: Range<Int>, of bytes: [UInt8], in file: any DiskFile) throws {
        try file.write(Array(bytes[range]), at: range.lowerBound)
        try file.sync()
        try disk.syncDirectory()
    }

    private func take(_ batch: SegmentReader.Batch, of name: String, into recovered: inout Recovered) throws(RaftError)
    {
        let header = batch.header
        guard header.firstIndex <= recovered.lastIndex + 1 else {
            throw RaftError(.corrupted, "segment \(name): entry \(header.firstIndex) follows \(recovered.lastIndex)")
        }
        if header.firstIndex <= recovered.baseIndex {
            recovered.baseIndex = header.firstIndex - 1
            recovered.baseTerm = header.previousTerm
            recovered.entries = []
        } else {
            recovered.entries.removeLast(Int(recovered.lastIndex + 1 - header.firstIndex))
        }
        guard recovered.lastTerm == header.previousTerm else {
            throw RaftError(.corrupted, "segment \(name): entry \(header.firstIndex) follows one of another term")
        }
        recovered.entries += batch.entries
        recovered.commitIndex = max(recovered.commitIndex, header.commitIndex)
    }
}

/// Sixteen digits, so that names sort like numbers.
func hexadecimal(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}

extension SystemError {
    /// ENOSPC, EDQUOT.
    var isDiskFull: Bool { errno == 28 || errno == 122 }
}
