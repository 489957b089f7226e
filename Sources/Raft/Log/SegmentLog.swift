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
        let keyNumber: UInt32
        var highestIndex: LogIndex
    }

    private struct Active {
        let file: any DiskFile
        let header: SegmentFormat.SegmentHeader
        let cipher: RecordCipher?
        var offset = SegmentFormat.headerBytes
        var ordinal: UInt64 = 0
        var chain: UInt32 = 0
    }

    static let prefix = "segment-"
    private static let spareName = "spare"
    private static let resealedBatchBytes = 1 << 20

    private let disk: any Disk
    private let segmentBytes: Int
    private let sealing: FileSealing?
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

    /// Whether a segment is plain, or sealed with a key that is not the newest.
    package var hasEarlierKeys: Bool { hasEarlierSegments || (sealing != nil && !leftovers.isEmpty) }

    private var hasEarlierSegments: Bool {
        guard let key = sealing?.keys.newest.number else { return false }
        return segments.contains { $0.keyNumber != key }
    }

    /// The last entry's index and term.
    var end: (index: LogIndex, term: Term) { (lastIndex, lastTerm) }

    private init(disk: any Disk, segmentBytes: Int, sealing: FileSealing?, seed: UInt64) {
        self.disk = disk
        self.sealing = sealing
        self.segmentBytes = max(segmentBytes, 4 * SegmentFormat.alignment)
        random = SeededGenerator(seed: seed)
    }

    /// Reads all segments, cuts a torn tail, and makes ready for appending. What is not sealed with the newest key is written anew.
    /// `seed` must differ at every start: segment ids are drawn from it. Throws `corrupted`, `wrongKey`, `storageFailed`, or
    /// `diskFull`.
    package static func open(
        disk: any Disk, segmentBytes: Int, sealing: FileSealing? = nil, seed: UInt64
    ) throws(RaftError) -> (log: SegmentLog, recovered: Recovered) {
        let log = SegmentLog(disk: disk, segmentBytes: segmentBytes, sealing: sealing, seed: seed)
        do {
            let recovered = try log.recover()
            if log.hasEarlierSegments { _ = try log.rewrite(recovered) }
            try log.reserve()
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
        let key = sealing?.keys.newest
        let extent = SegmentFormat.extent(ofPayload: payload.bytes.count + (key == nil ? 0 : RecordCipher.overhead))
        if active.map({ $0.header.keyNumber != key?.number ?? 0 || $0.offset + extent > Int($0.header.capacity) })
            ?? true
        {
            try rotate(isReset: false, forBytes: extent)
        }
        guard var current = active else { return }
        let offset = current.offset
        let bytes = encode(
            payload.bytes, of: entries, previousTerm: previousTerm, commitIndex: commitIndex, to: &current)
        do { try current.file.write(bytes, at: offset) } catch {
            throw storageFailure(error, "cannot write entry \(first.index)")
        }
        do { try current.file.sync() } catch { throw failed("cannot sync entry \(first.index)", error) }
        active = current
        lastIndex = last.index
        lastTerm = last.term
        segments[segments.count - 1].highestIndex = max(segments[segments.count - 1].highestIndex, last.index)
    }

    /// The next batch of a segment. Its nonce is drawn whenever one is made: what a crash or a full disk has left of a batch, and
    /// what is written in its place, never share one.
    private func encode(
        _ payload: [UInt8], of entries: [Entry], previousTerm: Term, commitIndex: LogIndex, to segment: inout Active
    ) -> [UInt8] {
        let header = SegmentFormat.BatchHeader(
            segmentID: segment.header.id, ordinal: segment.ordinal, firstIndex: entries[0].index,
            previousTerm: previousTerm, commitIndex: commitIndex, count: UInt32(entries.count),
            payloadBytes: 0, chain: segment.chain)
        var seal: (([UInt8], [UInt8]) -> [UInt8])?
        if let cipher = segment.cipher, let nonce = sealing?.nonce() {
            seal = { cipher.seal($0, nonce: nonce, context: $1) }
        }
        let (bytes, chain) = SegmentFormat.encode(header, payload: payload, seal: seal)
        segment.offset += bytes.count
        segment.ordinal += 1
        segment.chain = chain
        return bytes
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
        spare = nil
        try? disk.remove(Self.spareName)
        do {
            let file = try disk.open(Self.spareName, creating: true)
            try file.allocate(size)
            return file
        } catch {
            // Half of one takes the space that others need.
            try? disk.remove(Self.spareName)
            throw storageFailure(error, "cannot make a segment of \(size) bytes")
        }
    }

    private func rotate(isReset: Bool, forBytes extent: Int) throws(RaftError) {
        let size = max(segmentBytes, SegmentFormat.headerBytes + extent)
        let file: any DiskFile
        if let spare, size == segmentBytes { file = spare } else { file = try makeSpare(size) }
        spare = nil
        let key = sealing?.keys.newest
        let header = SegmentFormat.SegmentHeader(
            id: random.next(), sequence: nextSequence, isReset: isReset, baseIndex: lastIndex, baseTerm: lastTerm,
            capacity: UInt64(size), previousChain: isReset ? 0 : active?.chain ?? 0, keyNumber: key?.number ?? 0)
        try begin(
            Active(file: file, header: header, cipher: header.cipher(key)), with: header.encoded(),
            highestIndex: isReset ? 0 : lastIndex)
        try reserve()
    }

    /// Gives the spare file its first bytes and its name.
    private func begin(_ segment: Active, with bytes: [UInt8], highestIndex: LogIndex) throws(RaftError) {
        let name = Self.prefix + hexadecimal(segment.header.sequence)
        do {
            try segment.file.write(bytes, at: 0)
            try segment.file.sync()
            try disk.rename(Self.spareName, to: name)
            try disk.syncDirectory()
        } catch { throw failed("cannot begin segment \(name)", error) }
        nextSequence = segment.header.sequence + 1
        segments.append(Segment(name: name, keyNumber: segment.header.keyNumber, highestIndex: highestIndex))
        active = segment
    }

    /// Writes the log anew, sealed with the newest key, as one segment that takes the place of all. `recovered` is all that it holds
    /// behind some entry up to which a durable snapshot stands.
    ///
    /// - Returns: false without the space for that; then the log stays as it is.
    func rewrite(_ recovered: Recovered) throws(RaftError) -> Bool {
        if let failure { throw failure }
        guard let key = sealing?.keys.newest else { return false }
        precondition(recovered.lastIndex == lastIndex && recovered.lastTerm == lastTerm, "all of the log")
        var batches: [(entries: ArraySlice<Entry>, payload: [UInt8])] = []
        var rest = recovered.entries[...]
        while !rest.isEmpty {
            var payload = ByteWriter()
            var count = 0
            for entry in rest where payload.bytes.count < Self.resealedBatchBytes {
                entry.encode(into: &payload)
                count += 1
            }
            batches.append((rest.prefix(count), payload.bytes))
            rest = rest.dropFirst(count)
        }
        let bytes = batches.reduce(0) { $0 + SegmentFormat.extent(ofPayload: $1.payload.count + RecordCipher.overhead) }
        let size = max(segmentBytes, SegmentFormat.headerBytes + bytes)
        let file: any DiskFile
        do { file = try makeSpare(size) } catch  where error.code == .diskFull { return false } catch { throw error }
        let header = SegmentFormat.SegmentHeader(
            id: random.next(), sequence: nextSequence, isReset: true, baseIndex: recovered.baseIndex,
            baseTerm: recovered.baseTerm, capacity: UInt64(size), previousChain: 0, keyNumber: key.number)
        var segment = Active(file: file, header: header, cipher: header.cipher(key))
        var content = header.encoded()
        var term = recovered.baseTerm
        for batch in batches {
            content += encode(
                batch.payload, of: Array(batch.entries), previousTerm: term, commitIndex: recovered.commitIndex,
                to: &segment)
            term = batch.entries.last?.term ?? term
        }
        try begin(segment, with: content, highestIndex: recovered.entries.isEmpty ? 0 : recovered.lastIndex)
        try removeSegments(segments.count - 1)
        return true
    }

    /// Removes what a crash left of a removal: whoever has opened the log found that it does without.
    func removeLeftovers() throws(RaftError) {
        if let failure { throw failure }
        if !leftovers.isEmpty { try removeSegments(0) }
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
                "segment \(name) is of format \(version), this version reads up to \(SegmentFormat.sealedVersion): use the version of "
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
        let cipher = header.cipher(try sealing.key(header.keyNumber, for: "segment \(name)"))
        let reader = try SegmentReader(name: name, header: header, bytes: bytes, cipher: cipher)
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
        segments.append(Segment(name: name, keyNumber: header.keyNumber, highestIndex: highest))
        active = Active(
            file: file, header: header, cipher: cipher, offset: reader.end, ordinal: UInt64(reader.batches.count),
            chain: reader.chain)
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
