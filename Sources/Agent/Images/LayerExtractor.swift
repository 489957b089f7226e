import CLinux
import Glibc
import Platform

/// Unpacks one layer's tar into an overlay lower directory: whiteouts become what overlayfs understands, and nothing
/// is written outside of the directory, whatever the archive says.
///
/// Source: OCI image spec, layer.md; kernel, Documentation/filesystems/overlayfs.rst.
final class LayerExtractor {
    struct Limits: Sendable {
        /// Members of one layer.
        var entries = 1_000_000
        /// Bytes that one layer may unpack to.
        var bytes: Int64 = 64 << 30
        /// Bytes of extended attributes of one member.
        var attributeBytes = 64 * 1024

        init() {}
    }

    private let root: RootDirectory
    private let limits: Limits
    private let subject: String
    /// The directory of the last entry: archives list siblings together.
    private var parentComponents: [[CChar]] = []
    private var parent: Descriptor
    private var directoryTimes: [([[CChar]], timespec)] = []
    private var entries = 0
    private var writtenBytes: Int64 = 0

    init(into path: String, limits: Limits, subject: String) throws {
        root = try RootDirectory(path: path)
        parent = try root.open([], flags: CL_O_PATH | O_DIRECTORY)
        self.limits = limits
        self.subject = subject
    }

    /// Unpacks all members; answers the bytes of all regular files.
    func extract(_ reader: inout ArchiveReader) throws -> Int64 {
        while let entry = try reader.next() {
            entries += 1
            guard entries <= limits.entries else {
                throw AgentError(.tooLarge, "\(subject) holds more than \(limits.entries) members")
            }
            try place(entry, &reader)
        }
        for (components, time) in directoryTimes.reversed() {
            // A later member may have replaced it.
            guard let directory = try? root.open(components[...], flags: O_RDONLY | O_DIRECTORY) else { continue }
            setTime(directory.rawValue, time)
        }
        return writtenBytes
    }

    private func place(_ entry: ArchiveEntry, _ reader: inout ArchiveReader) throws {
        let path = try ArchivePath(entry.path)
        guard let name = path.components.last else {
            if entry.kind == .directory { try placeDirectory(entry, nil, path.components) }
            return
        }
        try enter(path.components.dropLast())
        let label = text(name)
        if label.hasPrefix(".wh.") { return try placeWhiteout(label) }
        if entry.kind == .directory { return try placeDirectory(entry, name, path.components) }
        if entry.kind == .other { return }

        try removeTree(in: parent.rawValue, name)
        switch entry.kind {
        case .file: try placeFile(entry, name, &reader)
        case .symbolicLink: try placeSymbolicLink(entry, name)
        case .hardLink: try placeHardLink(entry, name)
        default: try placeNode(entry, name)
        }
    }

    private func enter(_ components: ArraySlice<[CChar]>) throws {
        if components.elementsEqual(parentComponents) { return }
        parent = try root.directory(components)
        parentComponents = Array(components)
    }

    private func placeWhiteout(_ name: String) throws {
        if name == ".wh..wh..opq" {
            let directory = try root.open(parentComponents[...], flags: O_RDONLY | O_DIRECTORY)
            try checked(fsetxattr(directory.rawValue, "trusted.overlay.opaque", "y", 1, 0), "fsetxattr", name)
            return
        }
        // Other names with this prefix are aufs's own bookkeeping.
        if name.hasPrefix(".wh..wh.") { return }
        let hidden = Array(String(name.dropFirst(4)).utf8CString)
        guard hidden.count > 1, !name.hasSuffix("/"), name != ".wh..", name != ".wh..." else {
            throw AgentError(.invalid, "\(subject) holds the impossible whiteout \(name)")
        }
        try removeTree(in: parent.rawValue, hidden)
        try checked(mknodat(parent.rawValue, hidden, S_IFCHR, 0), "mknodat", name)
    }

    private func placeDirectory(_ entry: ArchiveEntry, _ name: [CChar]?, _ components: [[CChar]]) throws {
        let directory: Descriptor
        if let name {
            var status = stat()
            if fstatat(parent.rawValue, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_mode & S_IFMT != S_IFDIR {
                try removeTree(in: parent.rawValue, name)
            }
            if mkdirat(parent.rawValue, name, 0o700) != 0, errno != EEXIST {
                throw SystemError.last("mkdirat", text(name))
            }
            let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
            directory = Descriptor(
                owning: try checked(openat(parent.rawValue, name, flags), "openat", text(name)))
        } else {
            directory = try root.open([], flags: O_RDONLY | O_DIRECTORY)
        }
        try describe(directory.rawValue, entry)
        directoryTimes.append((components, entry.modified))
    }

    private func placeFile(_ entry: ArchiveEntry, _ name: [CChar], _ reader: inout ArchiveReader) throws {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let file = Descriptor(
            owning: try checked(openat(parent.rawValue, name, flags, 0o600), "openat", text(name)))
        let descriptor = file.rawValue
        while try reader.withNextBlock({ bytes, offset in try write(bytes, at: offset, to: descriptor) }) != nil {}
        guard entry.size <= limits.bytes else { throw tooLarge() }
        // A sparse file may end in a hole.
        try checked(ftruncate(descriptor, off_t(entry.size)), "ftruncate", text(name))
        try describe(descriptor, entry)
        setTime(descriptor, entry.modified)
    }

    private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64, to file: Int32) throws {
        writtenBytes += Int64(bytes.count)
        guard writtenBytes <= limits.bytes, offset >= 0, offset <= limits.bytes else { throw tooLarge() }
        var done = 0
        while done < bytes.count, let base = bytes.baseAddress {
            let count = pwrite(file, base + done, bytes.count - done, off_t(offset) + off_t(done))
            if count < 0, errno == EINTR { continue }
            done += try checked(count, "pwrite", subject)
        }
    }

    private func tooLarge() -> AgentError {
        AgentError(.tooLarge, "\(subject) unpacks to more than \(limits.bytes) bytes")
    }

    private func placeSymbolicLink(_ entry: ArchiveEntry, _ name: [CChar]) throws {
        guard !entry.linkTarget.isEmpty, entry.linkTarget.count < ArchivePath.maximumBytes else {
            throw AgentError(.invalid, "\(subject) holds a symbolic link without a usable target")
        }
        let target = entry.linkTarget.map { CChar(bitPattern: $0) } + [0]
        try checked(symlinkat(target, parent.rawValue, name), "symlinkat", text(name))
        try describeNode(entry, name, changingMode: false)
    }

    private func placeHardLink(_ entry: ArchiveEntry, _ name: [CChar]) throws {
        let target = try ArchivePath(entry.linkTarget).components
        guard let targetName = target.last else {
            throw AgentError(.invalid, "\(subject) holds a hard link to nothing")
        }
        let directory = try root.directory(target.dropLast(), making: false)
        try checked(
            linkat(directory.rawValue, targetName, parent.rawValue, name, 0), "linkat", text(name))
    }

    private func placeNode(_ entry: ArchiveEntry, _ name: [CChar]) throws {
        let type = entry.kind.nodeType
        let device = entry.kind == .fifo ? 0 : cl_makedev(entry.deviceMajor, entry.deviceMinor)
        if entry.kind == .characterDevice, device == 0 {
            throw AgentError(.invalid, "\(subject) holds the device 0:0, which means a whiteout to overlayfs")
        }
        try checked(mknodat(parent.rawValue, name, type | entry.mode, dev_t(device)), "mknodat", text(name))
        try describeNode(entry, name, changingMode: true)
    }

    /// Owner, mode and attributes of an open file or directory; the owner first, because chown(2) takes set-id bits and
    /// capabilities away.
    private func describe(_ descriptor: Int32, _ entry: ArchiveEntry) throws {
        try checked(fchown(descriptor, entry.owner, entry.group), "fchown", subject)
        try checked(fchmod(descriptor, entry.mode), "fchmod", subject)
        var bytes = 0
        for (name, value) in entry.attributes where name == "security.capability" || name.hasPrefix("user.") {
            bytes += name.utf8.count + value.count
            guard bytes <= limits.attributeBytes else {
                throw AgentError(.tooLarge, "\(subject) holds a member with too many extended attributes")
            }
            if fsetxattr(descriptor, name, value, value.count, 0) != 0, errno != ENOTSUP {
                throw SystemError.last("fsetxattr", name)
            }
        }
    }

    private func describeNode(_ entry: ArchiveEntry, _ name: [CChar], changingMode: Bool) throws {
        try checked(
            fchownat(parent.rawValue, name, entry.owner, entry.group, AT_SYMLINK_NOFOLLOW), "fchownat",
            text(name))
        if changingMode {
            try checked(fchmodat(parent.rawValue, name, entry.mode, 0), "fchmodat", text(name))
        }
        let times = [timespec(tv_sec: entry.modified.tv_sec, tv_nsec: entry.modified.tv_nsec), entry.modified]
        utimensat(parent.rawValue, name, times, AT_SYMLINK_NOFOLLOW)
    }

    private func setTime(_ descriptor: Int32, _ time: timespec) {
        futimens(descriptor, [time, time])
    }
}
