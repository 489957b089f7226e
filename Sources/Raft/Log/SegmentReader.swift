internal import Platform

/// Reads the batches of one segment and tells a torn tail from corruption.
struct SegmentReader {
    struct Batch {
        let header: SegmentFormat.BatchHeader
        let entries: [Entry]
    }

    let name: String
    private let header: SegmentFormat.SegmentHeader
    private let bytes: [UInt8]
    private let cipher: RecordCipher?
    private(set) var batches: [Batch] = []
    /// Where the next batch goes.
    private(set) var end = SegmentFormat.headerBytes
    /// Where the last batch is; the header if there is none.
    private(set) var last = 0..<SegmentFormat.headerBytes
    private(set) var chain: UInt32 = 0
    /// Whether the bytes behind `end` are what a crash left of a batch that was never acknowledged.
    private(set) var isTorn = false

    /// Throws `corrupted` for what no crash can have done, `wrongKey` for what another key has sealed. `bytes` is the file; what it
    /// lacks of its capacity reads as zeros. `cipher` is nil for a segment that is plain.
    init(
        name: String, header: SegmentFormat.SegmentHeader, bytes: [UInt8], cipher: RecordCipher? = nil
    ) throws(RaftError) {
        self.name = name
        self.header = header
        self.cipher = cipher
        guard header.capacity <= 1 << 32 else {
            throw RaftError(.corrupted, "segment \(name) of \(header.capacity) bytes")
        }
        let missing = Int(header.capacity) - bytes.count
        self.bytes = missing > 0 ? bytes + [UInt8](repeating: 0, count: missing) : bytes
        while try readBatch() {}
        if !isTorn { isTorn = !self.bytes.isZero(in: end..<self.bytes.count) }
        if isTorn, let later = laterBatch() {
            throw RaftError(.corrupted, "segment \(name): the batch at \(end) is damaged, one at \(later) is whole")
        }
    }

    private mutating func readBatch() throws(RaftError) -> Bool {
        guard end + SegmentFormat.headerBytes <= bytes.count,
            !bytes.isZero(in: end..<end + SegmentFormat.headerBytes)
        else { return false }
        guard let batch = SegmentFormat.BatchHeader(bytes, at: end) else {
            guard isTornHeader(at: end) else { throw damaged("header") }
            isTorn = true
            return false
        }
        let extent = SegmentFormat.extent(ofPayload: Int(batch.payloadBytes))
        guard batch.segmentID == header.id, batch.ordinal == UInt64(batches.count), batch.chain == chain,
            batch.firstIndex > 0, batch.firstIndex < LogIndex.max / 2, end + extent <= bytes.count
        else { throw damaged("header") }
        let checked = end + extent - SegmentFormat.trailerBytes
        let checksum = CRC32C.checksum(bytes[end..<checked], seed: chain)
        guard checksum == bytes.load(UInt32.self, at: checked),
            Array(bytes[checked + 4..<checked + 8]) == SegmentFormat.endMark
        else {
            guard isTornBatch(from: end, extent: extent) else { throw damaged("checksum") }
            isTorn = true
            return false
        }
        batches.append(Batch(header: batch, entries: try entries(of: batch)))
        chain = checksum
        last = end..<end + extent
        end += extent
        return true
    }

    private func entries(of batch: SegmentFormat.BatchHeader) throws(RaftError) -> [Entry] {
        let start = end + SegmentFormat.headerBytes
        var reader = ByteReader(bytes[start..<start + Int(batch.payloadBytes)])
        if let cipher {
            let record = bytes[start..<start + Int(batch.payloadBytes)]
            guard let payload = cipher.open(record, context: Array(bytes[end..<start])) else {
                throw RaftError(
                    .wrongKey,
                    "segment \(name): the batch at \(end) is whole, and data key \(header.keyNumber) of this node does not open "
                        + "it: is this another node's folder?")
            }
            reader = ByteReader(payload)
        }
        var entries: [Entry] = []
        for offset in 0..<UInt64(batch.count) {
            entries.append(try Entry(index: batch.firstIndex + offset, decodingFrom: &reader))
        }
        try reader.expectEnd()
        return entries
    }

    private func damaged(_ what: String) -> RaftError {
        RaftError(.corrupted, "segment \(name): the batch at \(end) has a damaged \(what)")
    }

    /// Whether the header may be the first bytes of one, and the rest of its sector zeros.
    private func isTornHeader(at offset: Int) -> Bool {
        var written = SegmentFormat.headerBytes
        while written > 0, bytes[offset + written - 1] == 0 { written -= 1 }
        let sectorEnd = min((offset / SegmentFormat.sectorBytes + 1) * SegmentFormat.sectorBytes, bytes.count)
        guard bytes.isZero(in: offset + written..<sectorEnd) else { return false }
        guard written > 60 else { return true }
        // All of the content is there: then what is there of its checksum must fit.
        let checksum = CRC32C.checksum(bytes[offset..<offset + 60])
        return withUnsafeBytes(of: checksum.littleEndian) { expected in
            (60..<written).allSatisfy { bytes[offset + $0] == expected[$0 - 60] }
        }
    }

    /// Whether part of the batch, whose header is whole, was never written: its end, or any sector.
    private func isTornBatch(from offset: Int, extent: Int) -> Bool {
        let mark = Array(bytes[offset + extent - 4..<offset + extent])
        let markBytes = mark.last == 0 ? (mark.lastIndex { $0 != 0 } ?? -1) + 1 : mark.count
        if markBytes < mark.count {
            return mark.prefix(markBytes).elementsEqual(SegmentFormat.endMark.prefix(markBytes))
        }
        guard mark == SegmentFormat.endMark else { return false }
        var sector = (offset / SegmentFormat.sectorBytes + 1) * SegmentFormat.sectorBytes
        while sector < offset + extent {
            let sectorEnd = min(sector + SegmentFormat.sectorBytes, offset + extent)
            if bytes.isZero(in: sector..<sectorEnd) { return true }
            sector = sectorEnd
        }
        return false
    }

    /// A whole batch of this segment behind `end`: then what is at `end` was on disk once.
    private func laterBatch() -> Int? {
        var offset = end + SegmentFormat.alignment
        while offset + SegmentFormat.headerBytes <= bytes.count {
            defer { offset += SegmentFormat.alignment }
            guard let batch = SegmentFormat.BatchHeader(bytes, at: offset), batch.segmentID == header.id else {
                continue
            }
            let extent = SegmentFormat.extent(ofPayload: Int(batch.payloadBytes))
            guard offset + extent <= bytes.count else { continue }
            let checked = offset + extent - SegmentFormat.trailerBytes
            if CRC32C.checksum(bytes[offset..<checked], seed: batch.chain) == bytes.load(UInt32.self, at: checked) {
                return offset
            }
        }
        return nil
    }
}
