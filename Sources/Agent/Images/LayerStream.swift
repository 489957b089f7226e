import CArchive
import Platform

/// A layer's bytes as they are unpacked: decompresses the blob, bounds its size and takes the digest of what comes out.
final class LayerStream {
    private let handle: OpaquePointer
    private let subject: String
    private let limit: Int64
    private var hasher: Digest.SHA256Hasher? = Digest.SHA256Hasher()
    private(set) var byteCount: Int64 = 0
    /// Why `next` answered -1.
    private(set) var error: AgentError?

    init(path: String, subject: String, limit: Int64) throws {
        guard let handle = archive_read_new() else { throw AgentError(.unsupported, "libarchive has no memory") }
        self.handle = handle
        self.subject = subject
        self.limit = limit
        ArchiveReader.supportCompression(handle)
        archive_read_support_format_raw(handle)
        archive_read_support_format_empty(handle)
        var header: OpaquePointer?
        guard archive_read_open_filename(handle, path, 128 * 1024) == ARCHIVE_OK else {
            throw ArchiveReader.failure(handle, subject)
        }
        let status = archive_read_next_header(handle, &header)
        guard status == ARCHIVE_OK || status == ARCHIVE_WARN else {
            throw status == ARCHIVE_EOF
                ? AgentError(.corrupt, "\(subject) is empty") : ArchiveReader.failure(handle, subject)
        }
    }

    deinit { archive_read_free(handle) }

    /// libarchive's read callback: points `buffer` to the next bytes and answers their count, 0 at the end, -1 on error.
    func next(_ buffer: UnsafeMutablePointer<UnsafeRawPointer?>) -> Int {
        guard error == nil else { return -1 }
        var bytes: UnsafeRawPointer?
        var count = 0
        var offset: la_int64_t = 0
        let status = archive_read_data_block(handle, &bytes, &count, &offset)
        if status == ARCHIVE_EOF { return 0 }
        guard status == ARCHIVE_OK || status == ARCHIVE_WARN, let bytes else {
            error = ArchiveReader.failure(handle, subject)
            return -1
        }
        byteCount += Int64(count)
        guard byteCount <= limit else {
            error = AgentError(.tooLarge, "\(subject) unpacks to more than \(limit) bytes")
            return -1
        }
        hasher?.update(UnsafeRawBufferPointer(start: bytes, count: count))
        buffer.pointee = bytes
        return count
    }

    /// Reads what is left and answers the digest of all that came out.
    func finish() throws -> ContentDigest {
        var ignored: UnsafeRawPointer?
        while true {
            let count = next(&ignored)
            if let error { throw error }
            if count == 0 { break }
        }
        guard let hasher = hasher.take(), let digest = ContentDigest(hex: Digest.hex(hasher.finish())) else {
            throw AgentError(.corrupt, "\(subject) has no digest")
        }
        return digest
    }
}
