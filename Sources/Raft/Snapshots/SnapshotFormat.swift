internal import Platform

/// A snapshot file, little-endian: magic, version, index, term, configuration, CRC32C; then chunks of length, CRC32C and
/// bytes, each checksum starting from the one before; then a chunk of length zero whose checksum is the last one's.
///
/// Members send each other these bytes. On the disk they are in a `SnapshotFile`, which seals them with the member's own key.
enum SnapshotFormat {
    static let magic: UInt64 = 0x0031_5041_4e53_524d  // "MRSNAP1\0"
    static let version: UInt32 = 1
    static let chunkBytes = 256 << 10
    static let maximumChunkBytes = 4 << 20
    /// Before the configuration: magic, version, index, term and the configuration's length.
    static let fixedBytes = 32
    static let maximumConfigurationBytes = 1 << 20

    static func header(_ metadata: SnapshotMetadata) -> [UInt8] {
        var writer = ByteWriter()
        writer.integer(magic)
        writer.integer(version)
        writer.integer(metadata.index)
        writer.integer(metadata.term)
        writer.data(metadata.configuration.encoded())
        writer.integer(CRC32C.checksum(writer.bytes))
        return writer.bytes
    }

    static func chunk(_ bytes: [UInt8], chain: UInt32) -> (bytes: [UInt8], chain: UInt32) {
        let checksum = CRC32C.checksum(bytes, seed: chain)
        var writer = ByteWriter(reserving: bytes.count + 8)
        writer.integer(UInt32(bytes.count))
        writer.integer(checksum)
        writer.raw(bytes)
        return (writer.bytes, checksum)
    }
}

/// Reads a snapshot file, checking it on the way; the bytes are the state's.
final class SnapshotFileReader: ByteSource {
    let metadata: SnapshotMetadata
    private let file: SnapshotFile
    private let name: String
    private var offset: Int
    private var chain: UInt32
    private var buffer: [UInt8] = []
    private var taken = 0
    private var isAtEnd = false

    /// Throws `corrupted` if the header does not check.
    init(file: SnapshotFile, name: String) throws(RaftError) {
        self.file = file
        self.name = name
        do {
            let fixed = try file.read(at: 0, count: SnapshotFormat.fixedBytes)
            guard fixed.count == SnapshotFormat.fixedBytes, fixed.load(UInt64.self, at: 0) == SnapshotFormat.magic,
                fixed.load(UInt32.self, at: 8) == SnapshotFormat.version
            else { throw RaftError(.corrupted, "snapshot \(name) has no header of a known version") }
            let length = Int(fixed.load(UInt32.self, at: 28))
            guard length <= SnapshotFormat.maximumConfigurationBytes else {
                throw RaftError(.corrupted, "snapshot \(name) has a damaged header")
            }
            let rest = try file.read(at: SnapshotFormat.fixedBytes, count: length + 4)
            let header = fixed + rest
            guard rest.count == length + 4,
                CRC32C.checksum(header.dropLast(4)) == header.load(UInt32.self, at: header.count - 4)
            else { throw RaftError(.corrupted, "snapshot \(name) has a damaged header") }
            metadata = SnapshotMetadata(
                index: fixed.load(UInt64.self, at: 12), term: fixed.load(UInt64.self, at: 20),
                configuration: try Configuration(decoding: Array(rest.dropLast(4))))
            offset = header.count
            chain = header.load(UInt32.self, at: header.count - 4)
        } catch let error as RaftError {
            throw error
        } catch {
            throw RaftError(.storageFailed, "cannot read snapshot \(name)", cause: error)
        }
    }

    func read(upTo limit: Int) throws -> [UInt8] {
        if taken == buffer.count { try readChunk() }
        let count = min(limit, buffer.count - taken)
        defer { taken += count }
        return count == buffer.count ? buffer : Array(buffer[taken..<taken + count])
    }

    /// Reads to the end; throws `corrupted` if anything does not check.
    func verify() throws {
        while try !read(upTo: SnapshotFormat.maximumChunkBytes).isEmpty {}
    }

    private func readChunk() throws {
        guard !isAtEnd else { return }
        let head = try file.read(at: offset, count: 8)
        guard head.count == 8 else { throw RaftError(.corrupted, "snapshot \(name) ends early") }
        let length = Int(head.load(UInt32.self, at: 0))
        guard length <= SnapshotFormat.maximumChunkBytes else {
            throw RaftError(.corrupted, "snapshot \(name) is damaged at \(offset)")
        }
        let bytes = try file.read(at: offset + 8, count: length)
        let checksum = CRC32C.checksum(bytes, seed: chain)
        guard bytes.count == length, checksum == head.load(UInt32.self, at: 4) else {
            throw RaftError(.corrupted, "snapshot \(name) is damaged at \(offset)")
        }
        offset += 8 + length
        chain = checksum
        buffer = bytes
        taken = 0
        if length == 0 {
            isAtEnd = true
            guard try file.read(at: offset, count: 1).isEmpty else {
                throw RaftError(.corrupted, "snapshot \(name) goes on past its end")
            }
        }
    }
}
