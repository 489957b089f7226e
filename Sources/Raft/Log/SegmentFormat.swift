internal import Glibc
internal import Platform

/// How a segment of the log looks on disk. Little-endian; everything starts at a multiple of 64 bytes.
///
///     segment  header (64)  batch  batch  ...  zeros
///     batch    header (64)  payload  zeros  CRC32C (4)  end mark (4)
///
/// A segment of version 2 is sealed: a batch's payload is one `RecordCipher` record, the batch's header its context. The key is
/// derived from the data key that the segment's header names and from that header, so that nothing fits anywhere else.
/// Checksums are over what is on the disk, and tell damage from a key that is not the right one.
///
/// A batch's checksum covers all of it and starts from that of the batch before, so none can be missing, repeated or from
/// another segment (a segment's id is drawn at random and is in every batch). One batch is synced before the next is
/// written, so only the last can be torn; and as the file is zeros before it is written, a torn batch ends or has holes
/// in zeros. Anything else that does not check is corruption.
enum SegmentFormat {
    static let alignment = 64
    static let headerBytes = 64
    static let trailerBytes = 8
    static let segmentMagic: UInt64 = 0x0031_474f_4c54_524d  // "MRTLOG1\0"
    static let batchMagic: UInt32 = 0x4843_5442  // "BTCH"
    static let plainVersion: UInt32 = 1
    static let sealedVersion: UInt32 = 2
    static let batchVersion: UInt32 = 1
    /// No byte of it is zero, so a torn one is told from a damaged one.
    static let endMark: [UInt8] = [0xe5, 0xb1, 0xd3, 0xc7]
    static let sectorBytes = 512

    static func extent(ofPayload count: Int) -> Int {
        (headerBytes + count + trailerBytes + alignment - 1) / alignment * alignment
    }

    /// The first 64 bytes of a segment.
    struct SegmentHeader: Equatable {
        var id: UInt64
        /// Counts segments; consecutive.
        var sequence: UInt64
        /// Whether everything in earlier segments is void: a snapshot took its place.
        var isReset: Bool
        /// The log's last entry when the segment began.
        var baseIndex: LogIndex
        var baseTerm: Term
        var capacity: UInt64
        /// The checksum of the last batch of the segment before.
        var previousChain: UInt32
        /// Of the data key that the batches are sealed with; 0 where they are plain.
        var keyNumber: UInt32

        func encoded() -> [UInt8] {
            var writer = ByteWriter(reserving: headerBytes)
            writer.integer(segmentMagic)
            writer.integer(keyNumber == 0 ? plainVersion : sealedVersion)
            writer.integer(keyNumber << 8 | (isReset ? 1 : 0))
            writer.integer(id)
            writer.integer(sequence)
            writer.integer(baseIndex)
            writer.integer(baseTerm)
            writer.integer(capacity)
            writer.integer(previousChain)
            writer.integer(CRC32C.checksum(writer.bytes))
            return writer.bytes
        }

        /// The version of a segment that this one does not know; nil where it does, or the bytes are none.
        static func foreignVersion(_ bytes: [UInt8]) -> UInt32? {
            guard bytes.count >= headerBytes, bytes.load(UInt64.self, at: 0) == segmentMagic else { return nil }
            let found = bytes.load(UInt32.self, at: 8)
            // One bit that is not as it was is damage: the versions to come are few.
            return found > sealedVersion && found < 100
                && CRC32C.checksum(bytes[0..<60]) == bytes.load(UInt32.self, at: 60)
                ? found : nil
        }

        /// Nil for bytes that are no valid header of a version that is known.
        init?(_ bytes: [UInt8]) {
            guard bytes.count >= headerBytes, CRC32C.checksum(bytes[0..<60]) == bytes.load(UInt32.self, at: 60),
                bytes.load(UInt64.self, at: 0) == segmentMagic
            else { return nil }
            keyNumber = bytes.load(UInt32.self, at: 12) >> 8
            guard bytes.load(UInt32.self, at: 8) == (keyNumber == 0 ? plainVersion : sealedVersion) else { return nil }
            isReset = bytes.load(UInt32.self, at: 12) & 1 == 1
            id = bytes.load(UInt64.self, at: 16)
            sequence = bytes.load(UInt64.self, at: 24)
            baseIndex = bytes.load(UInt64.self, at: 32)
            baseTerm = bytes.load(UInt64.self, at: 40)
            capacity = bytes.load(UInt64.self, at: 48)
            previousChain = bytes.load(UInt32.self, at: 56)
        }

        init(
            id: UInt64, sequence: UInt64, isReset: Bool, baseIndex: LogIndex, baseTerm: Term, capacity: UInt64,
            previousChain: UInt32, keyNumber: UInt32 = 0
        ) {
            self.id = id
            self.sequence = sequence
            self.isReset = isReset
            self.baseIndex = baseIndex
            self.baseTerm = baseTerm
            self.capacity = capacity
            self.previousChain = previousChain
            self.keyNumber = keyNumber
        }

        /// What seals this segment's batches; a key of its own, as no two segments have the same header.
        func cipher(_ key: DataKey?) -> RecordCipher? { key?.cipher(for: "martlet raft segment", at: encoded()) }
    }

    /// The first 64 bytes of a batch.
    struct BatchHeader: Equatable {
        var segmentID: UInt64
        /// Counts the batches of the segment from 0.
        var ordinal: UInt64
        /// Cuts off whatever the log has from here on.
        var firstIndex: LogIndex
        var previousTerm: Term
        /// Known to be committed when this was written.
        var commitIndex: LogIndex
        var count: UInt32
        var payloadBytes: UInt32
        var chain: UInt32

        func encode(into writer: inout ByteWriter) {
            writer.integer(batchMagic)
            writer.integer(batchVersion)
            writer.integer(segmentID)
            writer.integer(ordinal)
            writer.integer(firstIndex)
            writer.integer(previousTerm)
            writer.integer(commitIndex)
            writer.integer(count)
            writer.integer(payloadBytes)
            writer.integer(chain)
            writer.integer(CRC32C.checksum(writer.bytes))
        }

        /// Nil for bytes at `offset` that are no valid header of this version.
        init?(_ bytes: [UInt8], at offset: Int) {
            guard offset + headerBytes <= bytes.count,
                bytes.load(UInt32.self, at: offset) == batchMagic,
                CRC32C.checksum(bytes[offset..<offset + 60]) == bytes.load(UInt32.self, at: offset + 60),
                bytes.load(UInt32.self, at: offset + 4) == batchVersion
            else { return nil }
            segmentID = bytes.load(UInt64.self, at: offset + 8)
            ordinal = bytes.load(UInt64.self, at: offset + 16)
            firstIndex = bytes.load(UInt64.self, at: offset + 24)
            previousTerm = bytes.load(UInt64.self, at: offset + 32)
            commitIndex = bytes.load(UInt64.self, at: offset + 40)
            count = bytes.load(UInt32.self, at: offset + 48)
            payloadBytes = bytes.load(UInt32.self, at: offset + 52)
            chain = bytes.load(UInt32.self, at: offset + 56)
        }

        init(
            segmentID: UInt64, ordinal: UInt64, firstIndex: LogIndex, previousTerm: Term, commitIndex: LogIndex,
            count: UInt32, payloadBytes: UInt32, chain: UInt32
        ) {
            self.segmentID = segmentID
            self.ordinal = ordinal
            self.firstIndex = firstIndex
            self.previousTerm = previousTerm
            self.commitIndex = commitIndex
            self.count = count
            self.payloadBytes = payloadBytes
            self.chain = chain
        }
    }

    /// A whole batch, and the checksum that the next one starts from. `seal` makes a record of the payload, with the bytes of the
    /// header for its context; nil leaves it plain.
    static func encode(
        _ header: BatchHeader, payload: [UInt8], seal: ((_ payload: [UInt8], _ context: [UInt8]) -> [UInt8])? = nil
    ) -> (bytes: [UInt8], chain: UInt32) {
        var header = header
        header.payloadBytes = UInt32(payload.count + (seal == nil ? 0 : RecordCipher.overhead))
        let extent = extent(ofPayload: Int(header.payloadBytes))
        var writer = ByteWriter(reserving: extent)
        header.encode(into: &writer)
        writer.raw(seal.map { $0(payload, writer.bytes) } ?? payload)
        writer.pad(to: extent - trailerBytes)
        let chain = CRC32C.checksum(writer.bytes, seed: header.chain)
        writer.integer(chain)
        writer.raw(endMark)
        return (writer.bytes, chain)
    }
}

extension [UInt8] {
    /// A little-endian number; the caller has checked the bounds.
    func load<Number: FixedWidthInteger>(_: Number.Type, at offset: Int) -> Number {
        Number(littleEndian: withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Number.self) })
    }

    /// Whether `range` holds nothing but zeros.
    func isZero(in range: Range<Int>) -> Bool {
        withUnsafeBytes { buffer in
            guard !range.isEmpty, let start = buffer.baseAddress?.advanced(by: range.lowerBound) else { return true }
            // Each byte equals the one before it, and the first is zero.
            return buffer[range.lowerBound] == 0 && memcmp(start, start + 1, range.count - 1) == 0
        }
    }
}
