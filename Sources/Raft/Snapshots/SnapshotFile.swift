internal import Platform

/// The bytes of a snapshot on a disk: written once, from first to last, and read from anywhere. Sealed, or as they are where the
/// member has no keys, or its version of then had none.
///
///     header (64)  magic, version u32, data key u32, salt (32), bytes of a block u32, zeros (8), CRC32C
///     blocks       each nonce (12), ciphertext, tag (16), CRC32C; all but the last of the same length
///
/// The key is derived from the data key and the header, whose salt is drawn for each file; nonces are drawn for each block. A
/// block's context is its number. The checksums are over what is on the disk, and tell damage from a wrong key.
final class SnapshotFile {
    static let headerBytes = 64
    static let magic: UInt64 = 0x0031_4c41_4553_524d  // "MRSEAL1\0"
    static let version: UInt32 = 1
    static let blockBytes = 64 << 10
    private static let blockOverhead = RecordCipher.overhead + 4
    private static let saltBytes = 32

    private struct Seal {
        let cipher: RecordCipher
        let blockBytes: Int
        let nonce: () -> [UInt8]
    }

    private let file: any DiskFile
    private let name: String
    private let seal: Seal?
    /// Of the data key; 0 for a file that is not sealed.
    let keyNumber: UInt32
    /// Bytes of the snapshot.
    private(set) var count = 0
    /// Those that do not make a block yet.
    private var tail: [UInt8] = []
    /// Those that were written since the last sync.
    private var unsynced = 0
    private static let syncBytes = 8 << 20
    /// What this one, being written, tells those who read it meanwhile; and what this one, being read, is told.
    private let progress: FileProgress?
    private let followed: FileProgress?
    /// The block that was opened last.
    private var opened: (number: Int, bytes: [UInt8])?

    /// Begins a file, which is empty.
    init(writing file: any DiskFile, name: String, sealing: FileSealing?) throws(SystemError) {
        self.file = file
        self.name = name
        progress = FileProgress()
        followed = nil
        guard let sealing else {
            seal = nil
            keyNumber = 0
            return
        }
        let key = sealing.keys.newest
        keyNumber = key.number
        var writer = ByteWriter(reserving: Self.headerBytes)
        writer.integer(Self.magic)
        writer.integer(Self.version)
        writer.integer(key.number)
        writer.raw(sealing.draw(Self.saltBytes))
        writer.integer(UInt32(Self.blockBytes))
        writer.pad(to: Self.headerBytes - 4)
        writer.integer(CRC32C.checksum(writer.bytes))
        seal = Seal(
            cipher: Self.cipher(key, writer.bytes), blockBytes: Self.blockBytes, nonce: { sealing.nonce() })
        try file.write(writer.bytes, at: 0)
    }

    /// Opens a file that is whole.
    ///
    /// Throws `corrupted`, `wrongKey`, or the disk's error.
    init(reading file: any DiskFile, name: String, sealing: FileSealing?) throws {
        self.file = file
        self.name = name
        (progress, followed) = (nil, nil)
        let size = try file.size()
        let header = try file.read(at: 0, count: Self.headerBytes)
        guard header.count >= 8, header.load(UInt64.self, at: 0) == Self.magic else {
            seal = nil
            keyNumber = 0
            count = size
            return
        }
        guard header.count == Self.headerBytes,
            CRC32C.checksum(header[0..<60]) == header.load(UInt32.self, at: 60)
        else { throw RaftError(.corrupted, "snapshot \(name) has a damaged header") }
        let version = header.load(UInt32.self, at: 8)
        guard version == Self.version else {
            throw RaftError(
                .newerFormat, "snapshot \(name) is sealed in format \(version), this version reads \(Self.version)")
        }
        keyNumber = header.load(UInt32.self, at: 12)
        let blockBytes = Int(header.load(UInt32.self, at: 48))
        guard let key = try sealing.key(keyNumber, for: "snapshot \(name)"), (1...1 << 24).contains(blockBytes) else {
            throw RaftError(.corrupted, "snapshot \(name) has a damaged header")
        }
        guard let sealing else { preconditionFailure("a key without keys") }
        let (whole, rest) = (size - Self.headerBytes).quotientAndRemainder(
            dividingBy: blockBytes + Self.blockOverhead)
        guard rest == 0 || rest > Self.blockOverhead else {
            throw RaftError(.corrupted, "snapshot \(name) ends in the middle of a block")
        }
        count = whole * blockBytes + max(0, rest - Self.blockOverhead)
        seal = Seal(cipher: Self.cipher(key, header), blockBytes: blockBytes, nonce: { sealing.nonce() })
    }

    /// Reads a file on another thread than the one that writes it: each read waits until what it asks for is there, or the end.
    init(following writer: SnapshotFile) {
        file = writer.file
        name = writer.name
        seal = writer.seal
        keyNumber = writer.keyNumber
        progress = nil
        followed = writer.progress
    }

    /// Whoever follows it stops: nobody wants it any more.
    func giveUp() { progress?.giveUp() }

    /// Whether reading what is followed would never wait.
    var isSettled: Bool { followed?.isSettled ?? true }

    private static func cipher(_ key: DataKey, _ header: [UInt8]) -> RecordCipher {
        key.cipher(for: "martlet raft snapshot", at: header)
    }

    /// Adds bytes at the end, which is where `offset` must be. After a throw nothing has changed.
    func write(_ bytes: [UInt8], at offset: Int) throws(SystemError) {
        precondition(offset == count, "a snapshot is written from first to last")
        guard let seal else {
            try file.write(bytes, at: offset)
            count += bytes.count
            unsynced += bytes.count
            progress?.advance(to: count)
            return
        }
        let all = tail.isEmpty ? bytes : tail + bytes
        let first = (count - tail.count) / seal.blockBytes
        var sealed: [UInt8] = []
        sealed.reserveCapacity(all.count / seal.blockBytes * (seal.blockBytes + Self.blockOverhead))
        var position = 0
        while all.count - position >= seal.blockBytes {
            let number = first + position / seal.blockBytes
            addBlock(number, all[position..<position + seal.blockBytes], seal, to: &sealed)
            position += seal.blockBytes
        }
        if !sealed.isEmpty { try file.write(sealed, at: place(of: first, seal)) }
        count += bytes.count
        unsynced += bytes.count
        tail = Array(all[position...])
        progress?.advance(to: count - tail.count)
    }

    /// What was added is all; durable on return.
    func end() throws(SystemError) {
        try writeRest()
        try sync()
    }

    /// What was added is all; durable after `sync`. May be repeated.
    func writeRest() throws(SystemError) {
        if let seal, !tail.isEmpty {
            let number = count / seal.blockBytes
            var sealed: [UInt8] = []
            addBlock(number, tail[...], seal, to: &sealed)
            try file.write(sealed, at: place(of: number, seal))
        }
        tail = []
        progress?.advance(to: count)
        progress?.end()
    }

    /// Makes what is in whole blocks durable.
    func sync() throws(SystemError) {
        unsynced = 0
        try file.sync()
    }

    /// The same on the way, so that no sync takes long.
    func syncIfMuch() throws(SystemError) { if unsynced >= Self.syncBytes { try sync() } }

    /// The same file for another reader, who may be another thread. Throws `corrupted`, `wrongKey`, or the disk's error.
    func again(sealing: FileSealing?) throws -> SnapshotFile {
        try SnapshotFile(reading: file, name: name, sealing: sealing)
    }

    private func place(of number: Int, _ seal: Seal) -> Int {
        Self.headerBytes + number * (seal.blockBytes + Self.blockOverhead)
    }

    private func addBlock(_ number: Int, _ bytes: ArraySlice<UInt8>, _ seal: Seal, to sealed: inout [UInt8]) {
        let record = bytes.withUnsafeBytes {
            seal.cipher.seal($0, nonce: seal.nonce(), context: Self.context(number))
        }
        sealed += record
        withUnsafeBytes(of: CRC32C.checksum(record).littleEndian) { sealed += $0 }
    }

    private static func context(_ number: Int) -> [UInt8] {
        withUnsafeBytes(of: UInt64(number).littleEndian, Array.init)
    }

    /// At most `count` bytes; fewer at the end. Throws `corrupted`, `wrongKey`, or the disk's error.
    func read(at offset: Int, count: Int) throws -> [UInt8] {
        if let followed { self.count = try followed.wait(for: offset + count) }
        guard let seal else { return try file.read(at: offset, count: count) }
        let end = min(self.count, offset + count)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(max(0, end - offset))
        var position = offset
        while position < end {
            let (number, start) = position.quotientAndRemainder(dividingBy: seal.blockBytes)
            let block = try open(number, seal)
            let piece = block[min(start, block.count)..<min(block.count, start + end - position)]
            guard !piece.isEmpty else { throw RaftError(.corrupted, "snapshot \(name) is shorter than it was") }
            bytes += piece
            position += piece.count
        }
        return bytes
    }

    private func open(_ number: Int, _ seal: Seal) throws -> [UInt8] {
        if let opened, opened.number == number { return opened.bytes }
        let place = place(of: number, seal)
        let bytes = try file.read(at: place, count: seal.blockBytes + Self.blockOverhead)
        guard bytes.count > Self.blockOverhead,
            CRC32C.checksum(bytes.dropLast(4)) == bytes.load(UInt32.self, at: bytes.count - 4)
        else { throw RaftError(.corrupted, "snapshot \(name) is damaged at \(place)") }
        guard let plain = seal.cipher.open(bytes.dropLast(4), context: Self.context(number)) else {
            throw RaftError(
                .wrongKey,
                "snapshot \(name) is whole at \(place), and data key \(keyNumber) of this node does not open it: is this "
                    + "another node's folder?")
        }
        opened = (number, plain)
        return plain
    }
}
