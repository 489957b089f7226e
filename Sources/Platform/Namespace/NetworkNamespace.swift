internal import CLinux
internal import Glibc
internal import Synchronization

/// A network namespace pinned by a bind mount of its nsfs file at `path`, as `ip netns` does.
public struct NetworkNamespace: Sendable, Hashable {
    /// Where it is mounted.
    public let path: String

    /// Makes a namespace with its loopback up; the file is made, its folder must be there.
    public static func create(at path: String) throws -> NetworkNamespace {
        let file = try Files.open(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o444)
        _ = consume file
        do {
            try onThread(named: "netns-create") {
                try checked(cl_unshare(CLONE_NEWNET), "unshare", "network namespace")
                try bringLoopbackUp()
                try checked(
                    cl_mount("/proc/thread-self/ns/net", path, "none", UInt(MS_BIND), nil), "mount", path)
            }
        } catch {
            try? Files.unlink(path)
            throw error
        }
        return NetworkNamespace(path: path)
    }

    /// Names a namespace that is mounted there already; nothing is checked before it is entered.
    public static func open(_ path: String) -> NetworkNamespace { NetworkNamespace(path: path) }

    /// Unmounts and removes the file. The namespace itself lives on while a process or socket is in it. Content where
    /// there is none.
    public func remove() throws {
        if cl_umount2(path, Int32(MNT_DETACH)) == -1, errno != EINVAL, errno != ENOENT {
            throw SystemError.last("umount", path)
        }
        try Files.unlink(path)
    }

    /// True while something is mounted at the path that is a namespace.
    public var exists: Bool {
        var status = statfs()
        return statfs(path, &status) == 0 && status.f_type == Self.nsfsMagic
    }

    /// NSFS_MAGIC of <linux/magic.h>.
    private static let nsfsMagic = 0x6e73_6673

    /// Runs body on a fresh thread inside the namespace, blocking the calling thread; sockets made there stay bound to it.
    public func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) throws -> T {
        try Self.onThread(named: "netns") {
            try enter()
            return try body()
        }
    }

    /// The same without blocking the caller's thread.
    public nonisolated(nonsending) func perform<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws
        -> T
    {
        try await runOnThread(named: "netns") {
            try enter()
            return try body()
        }
    }

    private func enter() throws(SystemError) {
        let namespace = try Files.open(path, O_RDONLY)
        try checked(cl_setns(namespace.rawValue, CLONE_NEWNET), "setns", path)
    }

    /// Runs body on a fresh thread and waits for it.
    private static func onThread<T: Sendable>(
        named name: String, _ body: @escaping @Sendable () throws -> T
    ) throws -> T {
        let outcome = BlockingOutcome<T>()
        try launchThread(named: name) { outcome.fulfil(Result { try body() }) }
        return try outcome.wait().get()
    }

    private static func bringLoopbackUp() throws(SystemError) {
        let socket = Descriptor(owning: try checked(Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0), "socket"))
        var request = ifreq()
        withUnsafeMutableBytes(of: &request.ifr_ifrn.ifrn_name) { $0.copyBytes(from: "lo\0".utf8) }
        request.ifr_ifru.ifru_flags = Int16(IFF_UP)
        try checked(cl_ioctl_pointer(socket.rawValue, UInt(SIOCSIFFLAGS), &request), "ioctl", "SIOCSIFFLAGS lo")
    }
}

/// What a thread leaves behind for the one that blocks for it.
private final class BlockingOutcome<T: Sendable>: Sendable {
    private let result = Mutex<Result<T, any Error>?>(nil)
    // A semaphore is made to be used from several threads; it is destroyed with its only owner.
    nonisolated(unsafe) private let done: UnsafeMutablePointer<sem_t>

    init() {
        done = .allocate(capacity: 1)
        sem_init(done, 0, 0)
    }

    deinit {
        sem_destroy(done)
        done.deallocate()
    }

    func fulfil(_ value: Result<T, any Error>) {
        result.withLock { $0 = value }
        sem_post(done)
    }

    func wait() -> Result<T, any Error> {
        while true {
            while sem_wait(done) == -1 && errno == EINTR {}
            if let value = result.withLock({ $0 }) { return value }
        }
    }
}
