internal import CLinux
internal import Glibc
internal import Synchronization

/// A child process, reaped by its pidfd on an event loop.
public final class ChildProcess: Sendable {
    /// What is to run, and where.
    public struct Command: Sendable {
        /// A path, or a name to be found in this process's PATH.
        public var executable: String
        /// The arguments after the program's own name.
        public var arguments: [String]
        /// The whole environment; nil: this process's own.
        public var environment: [String: String]?
        public var workingDirectory: String?
        /// The descriptors the child has, by its own numbers: `[childFD: parentFD]`. Of 0, 1 and 2 those not named are
        /// /dev/null; all others are closed.
        public var descriptors: [Int32: Int32] = [:]
        /// The path of the network namespace to be in.
        public var networkNamespace: String?
        /// Leads a session and process group of its own (setsid(2)).
        public var isSessionLeader = false
        /// The cgroup.procs files to be entered before the program runs.
        public var cgroupFiles: [String] = []
        /// The signal sent when the *thread* that spawned ends (PR_SET_PDEATHSIG); nil for none.
        public var deathSignal: Int32?

        /// Most descriptors that can be given to a child.
        public static let descriptorLimit = Int(CL_SPAWN_DESCRIPTORS)

        public init(
            _ executable: String, _ arguments: [String] = [], environment: [String: String]? = nil,
            workingDirectory: String? = nil
        ) {
            self.executable = executable
            self.arguments = arguments
            self.environment = environment
            self.workingDirectory = workingDirectory
        }
    }

    /// The process's number, which the kernel may give to another after it has ended: prefer `signal`.
    public let pid: Int32
    private let pidfd: Descriptor

    private struct State: Sendable {
        var status: ExitStatus?
        var watch: EventLoop.Watch?
        var waiters: [UnsafeContinuation<ExitStatus, Never>] = []
    }
    private let state = Mutex(State())

    private init(pid: Int32, pidfd: consuming Descriptor) {
        self.pid = pid
        self.pidfd = pidfd
    }

    /// Starts the process and returns when its program runs; fails where it cannot be executed. Blocks for about a millisecond.
    public static func spawn(_ command: Command, loop: EventLoop) throws -> ChildProcess {
        let (pid, pidfd) = try start(command)
        let child = ChildProcess(pid: pid, pidfd: Descriptor(owning: pidfd))
        do {
            // The watch holds the child until it is reaped.
            let watch = try loop.watch(child.pidfd.rawValue, for: .readable) { _ in child.reap() }
            let isOver = child.state.withLock { state in
                state.watch = watch
                return state.status != nil
            }
            if isOver { child.unwatch() }
        } catch {
            try? child.signal(SIGKILL)
            throw error
        }
        return child
    }

    /// The end of the process; may be called by many, before and after.
    public nonisolated(nonsending) func wait() async -> ExitStatus {
        await withUnsafeContinuation { continuation in
            let status = state.withLock { state in
                if state.status == nil { state.waiters.append(continuation) }
                return state.status
            }
            if let status { continuation.resume(returning: status) }
        }
    }

    /// How it ended, when it has.
    public var status: ExitStatus? { state.withLock { $0.status } }

    /// Sends a signal by the pidfd, so that it never reaches another process; fails with ESRCH after the end.
    public func signal(_ number: Int32) throws(SystemError) {
        try checked(cl_pidfd_send_signal(pidfd.rawValue, number), "pidfd_send_signal", "\(pid)")
    }

    private func reap() {
        // Between the first event and the end of the watch there may be another.
        guard status == nil else { return }
        var code: Int32 = 0
        var value: Int32 = 0
        switch cl_wait_pidfd(pidfd.rawValue, &code, &value) {
        case 0: return
        case 1: finish(code == CLD_EXITED ? .exited(value) : .signaled(value))
        default:
            // Somebody else has reaped it, so that its status is lost: say that it is over.
            if errno != EINTR { finish(.exited(255)) }
        }
    }

    private func finish(_ status: ExitStatus) {
        let waiters = state.withLock { state in
            defer { state.waiters = [] }
            state.status = status
            return state.waiters
        }
        unwatch()
        for waiter in waiters { waiter.resume(returning: status) }
    }

    private func unwatch() {
        let watch = state.withLock { state in
            defer { state.watch = nil }
            return state.watch
        }
        watch?.cancel()
    }

    // MARK: Starting

    private static func start(_ command: Command) throws(SystemError) -> (pid: Int32, pidfd: Int32) {
        let executable = try find(command.executable)
        let environment = command.environment.map { $0.map { "\($0.key)=\($0.value)" }.sorted() }
        for text in [executable] + command.arguments + (environment ?? []) where text.utf8.contains(0) {
            throw SystemError(errno: EINVAL, call: "execve", subject: executable)
        }
        guard command.descriptors.count <= Command.descriptorLimit else {
            throw SystemError(errno: E2BIG, call: "execve", subject: "descriptors of \(executable)")
        }
        let descriptors = command.descriptors.sorted { $0.key < $1.key }
        var namespace: Int32 = -1
        if let path = command.networkNamespace { namespace = try Files.open(path, O_RDONLY).release() }
        defer { if namespace >= 0 { _ = close(namespace) } }

        let arguments = CStrings([command.executable] + command.arguments)
        let variables = environment.map { CStrings($0) }
        let cgroups = CStrings(command.cgroupFiles)
        let paths = CStrings([executable] + (command.workingDirectory.map { [$0] } ?? []))
        let parents = descriptors.map(\.value)
        let children = descriptors.map(\.key)
        var pidfd: Int32 = -1
        var failure: SystemError?
        let pid = parents.withUnsafeBufferPointer { parents in
            children.withUnsafeBufferPointer { children in
                var request = cl_spawn_request()
                request.executable = UnsafePointer(paths.pointers[0])
                request.arguments = UnsafePointer(arguments.pointers)
                request.environment = variables.map { UnsafePointer($0.pointers) } ?? UnsafePointer(environ)
                request.working_directory = UnsafePointer(paths.pointers[1])
                request.parent_descriptors = parents.baseAddress
                request.child_descriptors = children.baseAddress
                request.descriptor_count = Int32(parents.count)
                request.network_namespace = namespace
                request.cgroup_files = UnsafeRawPointer(cgroups.pointers).assumingMemoryBound(
                    to: UnsafePointer<CChar>?.self)
                request.new_session = command.isSessionLeader ? 1 : 0
                request.death_signal = command.deathSignal ?? 0
                let pid = cl_spawn(&request, &pidfd)
                if pid == -1 {
                    let call = request.failed_call.map { String(cString: $0) } ?? "clone"
                    failure = SystemError(errno: request.failed_errno, call: call, subject: executable)
                }
                return pid
            }
        }
        withExtendedLifetime((arguments, variables, cgroups, paths)) {}
        if let failure { throw failure }
        return (pid, pidfd)
    }

    /// The path of a program, as execvp(3) looks for it.
    public static func find(_ executable: String) throws(SystemError) -> String {
        if executable.utf8.contains(UInt8(ascii: "/")) { return executable }
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/sbin:/usr/bin:/sbin:/bin"
        for folder in path.split(separator: ":") {
            let candidate = "\(folder)/\(executable)"
            if access(candidate, X_OK) == 0, !Files.isDirectory(candidate) { return candidate }
        }
        throw SystemError(errno: ENOENT, call: "execve", subject: executable)
    }
}

/// Strings as C wants them: an array of pointers that ends with a null.
private final class CStrings {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ strings: [String]) {
        count = strings.count
        pointers = .allocate(capacity: count + 1)
        for (index, string) in strings.enumerated() { (pointers + index).initialize(to: strdup(string)) }
        (pointers + count).initialize(to: nil)
    }

    deinit {
        for index in 0..<count { free(pointers[index]) }
        pointers.deallocate()
    }
}
