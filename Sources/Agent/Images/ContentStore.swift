import CLinux
import Glibc
import Platform

/// Blobs named by their digest: `blobs/sha256/<hex>`, complete and durable as soon as they have their name.
///
/// Calls block: run them on a thread of their own.
struct ContentStore: Sendable {
    let directory: String
    /// What is not complete yet.
    let incoming: String

    init(directory: String) throws {
        self.directory = directory
        incoming = directory + "/incoming"
        try Files.createDirectories(directory + "/blobs/sha256")
        // What a crash left half-written has no name yet.
        try removeTree(incoming)
        try Files.createDirectories(incoming)
    }

    func path(_ digest: ContentDigest) -> String { "\(directory)/blobs/sha256/\(digest.hex)" }

    func contains(_ digest: ContentDigest) -> Bool { access(path(digest), F_OK) == 0 }

    /// A blob's bytes; throws where it is missing or larger than `limit`.
    func read(_ digest: ContentDigest, limit: Int) throws -> [UInt8] {
        guard contains(digest) else { throw AgentError(.notFound, "no blob \(digest)") }
        return try Files.read(path(digest), limit: limit)
    }

    /// Starts a blob of unknown digest.
    func makeWriter(limit: Int64, subject: String) throws -> BlobWriter {
        try BlobWriter(path: "\(incoming)/\(Identifier.random())", limit: limit, subject: subject)
    }

    /// Gives a finished blob its name.
    func commit(_ blob: FinishedBlob) throws {
        if contains(blob.digest) { return }
        let descriptor = try Descriptor(owning: checked(open(blob.path, O_RDONLY | O_CLOEXEC), "open", blob.path))
        try checked(fsync(descriptor.rawValue), "fsync", blob.path)
        try checked(rename(blob.path, path(blob.digest)), "rename", blob.path)
        try Files.syncDirectory(directory + "/blobs/sha256")
    }

    /// Stores bytes; answers their digest.
    func write(_ bytes: [UInt8]) throws -> ContentDigest {
        let writer = try makeWriter(limit: Int64(bytes.count), subject: "blob")
        try bytes.withUnsafeBytes { try writer.write($0) }
        let blob = try writer.finish()
        try commit(blob)
        return blob.digest
    }

    func remove(_ digest: ContentDigest) { unlink(path(digest)) }
}

/// A blob all of whose bytes are on disk under a temporary name; the name goes with the owner unless it was committed.
final class FinishedBlob {
    let path: String
    let digest: ContentDigest
    let byteCount: Int64

    init(path: String, digest: ContentDigest, byteCount: Int64) {
        self.path = path
        self.digest = digest
        self.byteCount = byteCount
    }

    deinit { unlink(path) }
}

/// Writes one blob and takes its digest on the way.
final class BlobWriter {
    private let path: String
    private let subject: String
    private let limit: Int64
    private let descriptor: Descriptor
    private var hasher: Digest.SHA256Hasher? = Digest.SHA256Hasher()
    private var byteCount: Int64 = 0
    private var finished = false

    init(path: String, limit: Int64, subject: String) throws {
        self.path = path
        self.limit = limit
        self.subject = subject
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC
        descriptor = Descriptor(owning: try checked(open(path, flags, 0o600), "open", path))
    }

    deinit {
        if !finished { unlink(path) }
    }

    /// Appends bytes; throws `tooLarge` past the limit.
    func write(_ bytes: UnsafeRawBufferPointer) throws {
        byteCount += Int64(bytes.count)
        guard byteCount <= limit else { throw AgentError(.tooLarge, "\(subject) is larger than \(limit) bytes") }
        hasher?.update(bytes)
        var done = 0
        while done < bytes.count, let base = bytes.baseAddress {
            let count = Glibc.write(descriptor.rawValue, base + done, bytes.count - done)
            if count < 0, errno == EINTR { continue }
            done += try checked(count, "write", path)
        }
    }

    func finish() throws -> FinishedBlob {
        guard let hasher = hasher.take(), let digest = ContentDigest(hex: Digest.hex(hasher.finish())) else {
            throw AgentError(.corrupt, "\(subject) has no digest")
        }
        finished = true
        return FinishedBlob(path: path, digest: digest, byteCount: byteCount)
    }
}
