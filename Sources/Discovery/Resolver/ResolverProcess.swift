import Glibc
import Platform

/// The node's resolver: one process that outlives the daemon and answers from what it was told last.
enum ResolverProcess {
    static let socketName = "resolver.sock"
    static let nameFile = "resolver-names.json"
    static let sandboxFile = "resolver-sandboxes.json"
    /// How long a new resolver waits for the one that it replaces to end.
    private static let lockTimeout = Duration.seconds(10)

    /// Serves until asked to stop. Fails where another resolver holds the run directory.
    static func run(runDirectory: String, upstreams: UpstreamSource) async throws {
        try Files.createDirectories(runDirectory, mode: 0o711)
        let lock = try await acquireLock("\(runDirectory)/resolver.lock")
        // Held until the process ends.
        defer { withExtendedLifetime(lock) {} }
        _ = signal(SIGPIPE, SIG_IGN)
        _ = signal(SIGHUP, SIG_IGN)
        raiseDescriptorLimit()
        // Where memory runs out, containers go before the names of all of them. Not root: as it is.
        try? Files.writeControl("/proc/self/oom_score_adj", "-500")
        let loop = try EventLoop(name: "resolver")
        defer { loop.stop() }
        let former = StateFile<[SandboxStatus]>(path: "\(runDirectory)/\(sandboxFile)").load() ?? []
        let server = ResolverServer(runDirectory: runDirectory, upstreams: upstreams, loop: loop)
        await server.resume(former)
        Logger("resolver").info("serving", ["sandboxes": former.count, "pid": getpid()])
        let control = ControlServer(server, loop: loop)
        try await control.run(socketPath: "\(runDirectory)/\(socketName)")
        for name in [nameFile, sandboxFile] {
            try Files.unlink("\(runDirectory)/\(name)")
        }
    }

    private static func acquireLock(_ path: String) async throws -> LockFile {
        let deadline = ContinuousClock.now + lockTimeout
        while true {
            if let lock = try LockFile(path) { return lock }
            guard ContinuousClock.now < deadline else {
                throw ResolverError(.notRunning, "another resolver holds \(path)")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Each sandbox takes two descriptors.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(resource, &limit)
    }
}

/// A file locked by this process (flock(2)) for as long as the object lives.
final class LockFile: Sendable {
    private let descriptor: Descriptor

    /// Nil when another process holds it.
    init?(_ path: String) throws(SystemError) {
        descriptor = try Files.open(path, O_RDWR | O_CREAT, mode: 0o600)
        guard flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 else {
            guard errno == EWOULDBLOCK || errno == EINTR else { throw SystemError.last("flock", path) }
            return nil
        }
    }
}
