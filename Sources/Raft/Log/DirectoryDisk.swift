internal import Glibc
package import Platform

/// A real folder.
package final class DirectoryDisk: Disk {
    private let path: String
    private var lockFile: Descriptor?

    /// Makes the folder where it is missing.
    package init(path: String) throws(SystemError) {
        self.path = path
        try Files.createDirectories(path, mode: 0o700)
    }

    /// Keeps other processes, and other members of this one, out of the folder while this object lives.
    ///
    /// Throws `alreadyInUse`.
    package func lock() throws {
        let name = "\(path)/lock"
        let file = try Files.open(name, O_RDWR | O_CREAT, mode: 0o600)
        guard flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 else {
            throw RaftError(.alreadyInUse, "another process uses \(path)", cause: SystemError.last("flock", name))
        }
        lockFile = consume file
    }

    package func unlock() { lockFile = nil }

    package func list() throws(SystemError) -> [String] { try Files.list(path) }

    package func open(_ name: String, creating: Bool) throws(SystemError) -> any DiskFile {
        let file = "\(path)/\(name)"
        return RegularFile(try Files.open(file, creating ? O_RDWR | O_CREAT : O_RDWR, mode: 0o600), file)
    }

    package func remove(_ name: String) throws(SystemError) { try Files.unlink("\(path)/\(name)") }

    package func rename(_ name: String, to target: String) throws(SystemError) {
        try Files.rename("\(path)/\(name)", to: "\(path)/\(target)")
    }

    package func syncDirectory() throws(SystemError) { try Files.syncDirectory(path) }
}

private final class RegularFile: DiskFile {
    private let descriptor: Descriptor
    private let path: String

    init(_ descriptor: consuming Descriptor, _ path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    func size() throws(SystemError) -> Int {
        var status = stat()
        try checked(fstat(descriptor.rawValue, &status), "fstat", path)
        return Int(status.st_size)
    }

    func read(at offset: Int, count: Int) throws(SystemError) -> [UInt8] {
        let count = max(0, min(count, try size() - offset))
        var failure: SystemError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
            while done < count {
                let got = pread(
                    descriptor.rawValue, buffer.baseAddress?.advanced(by: done), count - done, offset + done)
                if got == -1 && errno == EINTR { continue }
                if got == -1 { failure = SystemError.last("pread", path) }
                if got <= 0 { break }
                done += got
            }
        }
        if let failure { throw failure }
        return bytes
    }

    func write(_ bytes: [UInt8], at offset: Int) throws(SystemError) {
        var done = 0
        while done < bytes.count {
            let put = bytes.withUnsafeBytes { buffer in
                pwrite(descriptor.rawValue, buffer.baseAddress?.advanced(by: done), bytes.count - done, offset + done)
            }
            if put == -1 && errno == EINTR { continue }
            guard put >= 0 else { throw SystemError.last("pwrite", path) }
            done += put
        }
    }

    /// The new bytes are written, not only reserved: blocks that never were cost each sync a change of the inode, which it waits
    /// for (here a sync of 8 KB takes 95 us instead of 150).
    func allocate(_ size: Int) throws(SystemError) {
        let begin = try self.size()
        guard size > begin else { return }
        while true {
            let status = posix_fallocate(descriptor.rawValue, 0, size)
            if status == 0 { break }
            if status != EINTR { throw SystemError(errno: status, call: "posix_fallocate", subject: path) }
        }
        let zeros = [UInt8](repeating: 0, count: min(size - begin, 1 << 20))
        for offset in stride(from: begin, to: size, by: zeros.count) {
            try write(offset + zeros.count > size ? Array(zeros[..<(size - offset)]) : zeros, at: offset)
        }
        Files.beginWriting(descriptor.rawValue, begin..<size)
    }

    func truncate(to size: Int) throws(SystemError) {
        try checked(ftruncate(descriptor.rawValue, size), "ftruncate", path)
    }

    func sync() throws(SystemError) { try checked(fdatasync(descriptor.rawValue), "fdatasync", path) }
}
