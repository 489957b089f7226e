internal import CLinux
internal import Glibc

/// Files and folders, by system calls that block: not for an event loop's thread where the disk may be slow.
public enum Files {
    /// The whole file; fails with EFBIG where it is longer than `limit`. Files of /proc, whose size is unknown, are read as well.
    public static func read(_ path: String, limit: Int = 16 << 20) throws(SystemError) -> [UInt8] {
        let file = try open(path, O_RDONLY)
        var status = stat()
        try checked(fstat(file.rawValue, &status), "fstat", path)
        var bytes: [UInt8] = []
        var chunk = max(4096, min(Int(status.st_size) &+ 1, limit &+ 1))
        while true {
            let piece = try read(file.rawValue, upTo: chunk, path)
            if piece.isEmpty { return bytes }
            bytes.append(contentsOf: piece)
            if bytes.count > limit { throw SystemError(errno: EFBIG, call: "read", subject: path) }
            chunk = max(4096, min(chunk, limit - bytes.count + 1))
        }
    }

    /// The whole file as text, wrong UTF-8 repaired.
    public static func readText(_ path: String, limit: Int = 16 << 20) throws(SystemError) -> String {
        String(decoding: try read(path, limit: limit), as: UTF8.self)
    }

    /// Makes the file hold `bytes`, by way of a temporary file beside it that is synced and renamed: after a crash there is the
    /// old content or the new, and after the return the new one is durable.
    public static func replace(_ path: String, with bytes: [UInt8], mode: UInt32 = 0o644) throws(SystemError) {
        let temporary = "\(path).\(Identifier.randomHex(bytes: 6)).tmp"
        do {
            let file = try open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
            try write(file.rawValue, bytes, temporary)
            try checked(fsync(file.rawValue), "fsync", temporary)
            try rename(temporary, to: path)
        } catch {
            _ = Glibc.unlink(temporary)
            throw error
        }
        try syncDirectory(parent(of: path))
    }

    /// Makes the file hold `bytes` without syncing: for what need not outlive a crash. Truncates what is there.
    public static func write(_ path: String, _ bytes: [UInt8], mode: UInt32 = 0o644) throws(SystemError) {
        let file = try open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        try write(file.rawValue, bytes, path)
    }

    /// Writes a text in one write(2), without creating or truncating: for control files of /proc, /sys and cgroups.
    public static func writeControl(_ path: String, _ text: String) throws(SystemError) {
        let file = try open(path, O_WRONLY)
        let bytes = [UInt8](text.utf8)
        try checked(Glibc.write(file.rawValue, bytes, bytes.count), "write", path)
    }

    /// Adds to the end of the file, which is made where it is missing.
    public static func append(_ path: String, _ bytes: [UInt8], mode: UInt32 = 0o644) throws(SystemError) {
        let file = try open(path, O_WRONLY | O_CREAT | O_APPEND, mode: mode)
        try write(file.rawValue, bytes, path)
    }

    /// Opens with O_CLOEXEC.
    public static func open(_ path: String, _ flags: Int32, mode: UInt32 = 0o644) throws(SystemError) -> Descriptor {
        while true {
            let number = Glibc.open(path, flags | O_CLOEXEC, mode)
            if number == -1 && errno == EINTR { continue }
            return Descriptor(owning: try checked(number, "open", path))
        }
    }

    /// Makes the folder and those above it that are missing; content with one that is there.
    public static func createDirectories(_ path: String, mode: UInt32 = 0o755) throws(SystemError) {
        if mkdir(path, mode) == 0 { return }
        let error = SystemError.last("mkdir", path)
        switch error.errno {
        case EEXIST:
            guard isDirectory(path) else { throw error }
        case ENOENT:
            let above = parent(of: path)
            guard above != path, !above.isEmpty else { throw error }
            try createDirectories(above, mode: mode)
            if mkdir(path, mode) == -1 && errno != EEXIST { throw SystemError.last("mkdir", path) }
        default:
            throw error
        }
    }

    /// True where there is something, be it a link to nowhere.
    public static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// True for a folder and a link to one.
    public static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The size of a file in bytes.
    public static func size(_ path: String) throws(SystemError) -> Int {
        var status = stat()
        try checked(stat(path, &status), "stat", path)
        return Int(status.st_size)
    }

    /// The names in a folder, sorted, without `.` and `..`.
    public static func list(_ path: String) throws(SystemError) -> [String] {
        guard let directory = opendir(path) else { throw SystemError.last("opendir", path) }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            // The name is an array inside the entry, which is as long as the name: read it in place.
            let offset = MemoryLayout<dirent>.offset(of: \dirent.d_name) ?? 19
            let name = String(cString: UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self))
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Renames, replacing what is there.
    public static func rename(_ path: String, to target: String) throws(SystemError) {
        try checked(Glibc.rename(path, target), "rename", "\(path) to \(target)")
    }

    /// Removes a file or link; content where there is none.
    public static func unlink(_ path: String) throws(SystemError) {
        if Glibc.unlink(path) == -1 && errno != ENOENT { throw SystemError.last("unlink", path) }
    }

    /// Removes a file, a link, or a folder with all that is in it, without following links and without crossing into another
    /// file system that is mounted below (EBUSY or ENOTEMPTY then tells of it). Content where there is none.
    public static func remove(_ path: String) throws(SystemError) {
        var status = stat()
        if lstat(path, &status) == -1 {
            if errno == ENOENT { return }
            throw SystemError.last("lstat", path)
        }
        try remove(path, status, device: status.st_dev)
    }

    private static func remove(_ path: String, _ status: stat, device: dev_t) throws(SystemError) {
        guard status.st_mode & S_IFMT == S_IFDIR else { return try unlink(path) }
        guard status.st_dev == device else { throw SystemError(errno: EBUSY, call: "rmdir", subject: path) }
        for name in try list(path) {
            let child = "\(path)/\(name)"
            var childStatus = stat()
            if lstat(child, &childStatus) == 0 { try remove(child, childStatus, device: device) }
        }
        if rmdir(path) == -1 && errno != ENOENT { throw SystemError.last("rmdir", path) }
    }

    /// Makes the names in a folder durable (fsync(2) of the folder).
    public static func syncDirectory(_ path: String) throws(SystemError) {
        let directory = try open(path.isEmpty ? "." : path, O_RDONLY | O_DIRECTORY)
        try checked(fsync(directory.rawValue), "fsync", path)
    }

    /// What is before the last slash; `.` where there is none.
    public static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Has the kernel begin to write what was put into the file there, and does not wait for it: a later sync has less to do.
    /// Nothing is promised (sync_file_range(2)).
    public static func beginWriting(_ descriptor: Int32, _ range: Range<Int>) {
        _ = cl_begin_writing(descriptor, Int64(range.lowerBound), Int64(range.count))
    }

    /// Writes all the bytes to a descriptor that blocks.
    public static func write(_ descriptor: Int32, _ bytes: [UInt8], _ subject: String = "") throws(SystemError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.write(descriptor, buffer.baseAddress?.advanced(by: written), bytes.count - written)
            }
            if count == -1 && errno == EINTR { continue }
            written += try checked(count, "write", subject)
        }
    }

    /// Reads once from a descriptor; empty at its end.
    public static func read(_ descriptor: Int32, upTo limit: Int, _ subject: String = "") throws(SystemError) -> [UInt8]
    {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            repeat {
                let result = Glibc.read(descriptor, buffer.baseAddress, limit)
                count = max(0, result)
                failure = result == -1 ? errno : 0
            } while failure == EINTR
        }
        if failure != 0 { throw SystemError(errno: failure, call: "read", subject: subject) }
        return bytes
    }
}
