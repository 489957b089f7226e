import CArchive
import Glibc

/// Reads a tar archive from beginning to end through libarchive, compressed or not. One thread at a time.
struct ArchiveReader: ~Copyable {
    /// What a filter may be: those that decompress in this process, never a child program.
    enum Compression { case none, any }

    private let handle: OpaquePointer
    private let subject: String
    /// What the reader's callback pulls from; kept alive as long as the reader.
    private let source: LayerStream?

    /// Opens the file at `path`.
    init(path: String, subject: String) throws {
        let handle = try Self.makeTarHandle(compression: .any)
        guard archive_read_open_filename(handle, path, 128 * 1024) == ARCHIVE_OK else {
            defer { archive_read_free(handle) }
            throw Self.failure(handle, subject)
        }
        self.handle = handle
        self.subject = subject
        source = nil
    }

    /// Reads what `source` hands out: an uncompressed tar.
    init(_ source: LayerStream, subject: String) throws {
        let handle = try Self.makeTarHandle(compression: .none)
        let context = Unmanaged.passUnretained(source).toOpaque()
        let status = archive_read_open(
            handle, context, nil,
            { _, context, buffer in
                guard let context, let buffer else { return -1 }
                return Unmanaged<LayerStream>.fromOpaque(context).takeUnretainedValue().next(buffer)
            }, nil)
        guard status == ARCHIVE_OK else {
            defer { archive_read_free(handle) }
            throw source.error ?? Self.failure(handle, subject)
        }
        self.handle = handle
        self.subject = subject
        self.source = source
    }

    deinit { archive_read_free(handle) }

    private static func makeTarHandle(compression: Compression) throws -> OpaquePointer {
        guard let handle = archive_read_new() else { throw AgentError(.unsupported, "libarchive has no memory") }
        archive_read_support_format_tar(handle)
        if case .any = compression { supportCompression(handle) }
        return handle
    }

    static func supportCompression(_ handle: OpaquePointer) {
        archive_read_support_filter_gzip(handle)
        archive_read_support_filter_bzip2(handle)
        archive_read_support_filter_xz(handle)
        archive_read_support_filter_zstd(handle)
    }

    static func failure(_ handle: OpaquePointer, _ subject: String) -> AgentError {
        let reason = archive_error_string(handle).map { String(cString: $0) } ?? "unknown error"
        return AgentError(.corrupt, "\(subject) is not a readable tar archive: \(reason)")
    }

    /// The next member's header; nil at the end of the archive.
    mutating func next() throws -> ArchiveEntry? {
        var header: OpaquePointer?
        let status = archive_read_next_header(handle, &header)
        if status == ARCHIVE_EOF { return nil }
        // A warning (such as a name that the locale cannot spell) still gives an entry.
        guard status == ARCHIVE_OK || status == ARCHIVE_WARN, let header else {
            throw source?.error ?? Self.failure(handle, subject)
        }
        return try entry(header)
    }

    /// The next run of the current member's bytes and its offset in the file; nil at its end. The bytes are valid
    /// inside `body` only.
    mutating func withNextBlock<R>(_ body: (UnsafeRawBufferPointer, Int64) throws -> R) throws -> R? {
        var bytes: UnsafeRawPointer?
        var count = 0
        var offset: la_int64_t = 0
        let status = archive_read_data_block(handle, &bytes, &count, &offset)
        if status == ARCHIVE_EOF { return nil }
        guard status == ARCHIVE_OK || status == ARCHIVE_WARN else {
            throw source?.error ?? Self.failure(handle, subject)
        }
        return try body(UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : count), offset)
    }

    private func entry(_ header: OpaquePointer) throws -> ArchiveEntry {
        guard let name = archive_entry_pathname(header) else {
            throw AgentError(.corrupt, "\(subject) holds a member without a readable name")
        }
        let hardLink = archive_entry_hardlink(header)
        let link = hardLink ?? archive_entry_symlink(header)
        let type = archive_entry_filetype(header)
        let kind: ArchiveEntry.Kind =
            if hardLink != nil {
                .hardLink
            } else {
                switch type {
                case S_IFREG: .file
                case S_IFDIR: .directory
                case S_IFLNK: .symbolicLink
                case S_IFCHR: .characterDevice
                case S_IFBLK: .blockDevice
                case S_IFIFO: .fifo
                default: .other
                }
            }
        var result = ArchiveEntry(
            path: Self.bytes(name), kind: kind, mode: archive_entry_perm(header) & 0o7777,
            owner: try Self.identity(archive_entry_uid(header), subject),
            group: try Self.identity(archive_entry_gid(header), subject),
            size: max(0, archive_entry_size(header)), modified: timespec(), linkTarget: link.map(Self.bytes) ?? [],
            deviceMajor: UInt32(truncatingIfNeeded: archive_entry_rdevmajor(header)),
            deviceMinor: UInt32(truncatingIfNeeded: archive_entry_rdevminor(header)), attributes: [])
        if archive_entry_mtime_is_set(header) != 0 {
            result.modified.tv_sec = archive_entry_mtime(header)
            result.modified.tv_nsec = min(999_999_999, max(0, archive_entry_mtime_nsec(header)))
        }
        if archive_entry_xattr_reset(header) > 0 { result.attributes = Self.attributes(header) }
        return result
    }

    private static func bytes(_ text: UnsafePointer<CChar>) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
    }

    private static func identity(_ number: la_int64_t, _ subject: String) throws -> uid_t {
        guard let identity = uid_t(exactly: number), identity != uid_t.max else {
            throw AgentError(.invalid, "\(subject) holds the impossible owner \(number)")
        }
        return identity
    }

    private static func attributes(_ header: OpaquePointer) -> [(name: String, value: [UInt8])] {
        var found: [(name: String, value: [UInt8])] = []
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        while archive_entry_xattr_next(header, &name, &value, &size) == ARCHIVE_OK, let name {
            found.append(
                (String(cString: name), Array(UnsafeRawBufferPointer(start: value, count: value == nil ? 0 : size))))
        }
        return found
    }
}

/// Runs `body` with a UTF-8 character type on this thread, so that libarchive can spell every name that a pax header says.
func withUnicodeNames<T>(_ body: () throws -> T) rethrows -> T {
    guard let locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nil) else { return try body() }
    let previous = uselocale(locale)
    defer {
        uselocale(previous)
        freelocale(locale)
    }
    return try body()
}
