import CLinux
import Glibc
import Platform

/// A directory in which paths from outside are resolved as if it were `/`: neither `..` nor a symbolic link leads out
/// of it (openat2(2) with RESOLVE_IN_ROOT).
struct RootDirectory: ~Copyable {
    let descriptor: Descriptor
    let path: String

    init(path: String) throws {
        descriptor = Descriptor(
            owning: try checked(Glibc.open(path, CL_O_PATH | O_DIRECTORY | O_CLOEXEC), "open", path))
        self.path = path
    }

    /// Opens what `components` name; a symbolic link on the way is followed inside the root.
    func open(_ components: ArraySlice<[CChar]>, flags: Int32) throws(SystemError) -> Descriptor {
        let opened = tryOpen(components, flags: flags)
        return Descriptor(owning: try checked(opened, "openat2", text(ArchivePath.join(components))))
    }

    /// As `open`, but answers the bare descriptor, or -1 with errno set.
    private func tryOpen(_ components: ArraySlice<[CChar]>, flags: Int32) -> Int32 {
        let name = ArchivePath.join(components)
        while true {
            let opened = cl_openat2(
                descriptor.rawValue, name, UInt64(flags | O_CLOEXEC), 0,
                UInt64(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS))
            // EAGAIN: something was renamed meanwhile and the kernel could not be sure (openat2(2)).
            if opened >= 0 || (errno != EINTR && errno != EAGAIN) { return opened }
        }
    }

    /// Opens the directory that `components` name, making what is missing of it with mode 0755.
    func directory(_ components: ArraySlice<[CChar]>, making: Bool = true) throws -> Descriptor {
        let opened = tryOpen(components, flags: CL_O_PATH | O_DIRECTORY)
        if opened >= 0 { return Descriptor(owning: opened) }
        guard errno == ENOENT, making, let name = components.last else {
            throw SystemError.last("openat2", text(ArchivePath.join(components)))
        }
        let parent = try directory(components.dropLast())
        if mkdirat(parent.rawValue, name, 0o755) != 0, errno != EEXIST {
            throw SystemError.last("mkdirat", text(name))
        }
        return try open(components, flags: CL_O_PATH | O_DIRECTORY)
    }

    /// Makes the directory that an absolute path in here names, with all its parents.
    func makeDirectory(_ path: String) throws {
        let components = try ArchivePath(Array(path.utf8)).components
        _ = try directory(components[...])
    }

    /// A regular file's bytes, at most `limit` of them; nil if there is no such file.
    func contents(of path: String, limit: Int) throws -> [UInt8]? {
        let components = try ArchivePath(Array(path.utf8)).components
        let opened = tryOpen(components[...], flags: O_RDONLY | O_NONBLOCK)
        if opened < 0, errno == ENOENT || errno == ENOTDIR || errno == ELOOP { return nil }
        let file = Descriptor(owning: try checked(opened, "openat2", path))
        var status = stat()
        try checked(fstat(file.rawValue, &status), "fstat", path)
        guard status.st_mode & S_IFMT == S_IFREG else { return nil }
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        while result.count <= limit {
            let count = try checked(read(file.rawValue, &buffer, buffer.count), "read", path)
            if count == 0 { return result }
            result.append(contentsOf: buffer[..<count])
        }
        throw AgentError(.tooLarge, "\(path) is larger than \(limit) bytes")
    }
}

/// Removes `name` in the directory and all that is under it, following no symbolic link.
func removeTree(in directory: Int32, _ name: [CChar]) throws(SystemError) {
    if unlinkat(directory, name, 0) == 0 || errno == ENOENT { return }
    guard errno == EISDIR || errno == EPERM else { throw SystemError.last("unlinkat", text(name)) }
    let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
    let opened = try checked(openat(directory, name, flags), "openat", text(name))
    guard let stream = fdopendir(opened) else {
        close(opened)
        throw SystemError.last("fdopendir", text(name))
    }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
        let child = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            pointer.withMemoryRebound(to: CChar.self, capacity: 256) { text in
                Array(UnsafeBufferPointer(start: text, count: strlen(text) + 1))
            }
        }
        let label = text(child)
        if label == "." || label == ".." { continue }
        try removeTree(in: opened, child)
    }
    try checked(unlinkat(directory, name, Int32(AT_REMOVEDIR)), "rmdir", text(name))
}

/// Removes the file or directory at `path` and all under it, following no symbolic link.
func removeTree(_ path: String) throws(SystemError) {
    try removeTree(in: AT_FDCWD, Array(path.utf8CString))
}
