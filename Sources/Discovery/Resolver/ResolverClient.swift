import Glibc
public import Platform

/// The daemon's side: starts the node's resolver where none runs, and tells it what to answer.
///
/// Each request has a connection of its own, so requests may be made at the same time. A request that finds nobody listening
/// starts the resolver again, once `ensureRunning` has said how.
public actor ResolverClient {
    /// How long a resolver may take to come up.
    private static let startTimeout = Duration.seconds(15)
    private static let requestTimeout = Duration.seconds(10)
    /// Requests under way; others wait for their turn.
    private static let maximumRequests = 16
    /// Bytes of the log file beyond which a new resolver begins it anew.
    private static let maximumLog = 4 << 20

    /// How the resolver is started.
    public struct Launch: Sendable {
        /// Path of the program; its first argument will be `resolver`.
        public var executable: String
        /// Arguments after `resolver --run-dir DIR`.
        public var arguments: [String]

        public init(executable: String, arguments: [String] = []) {
            self.executable = executable
            self.arguments = arguments
        }
    }

    private let runDirectory: String
    private let loop: EventLoop
    private let log = Logger("resolver-client")
    private lazy var names = Coalescer<NameState>(loop: loop) { [weak self] names in
        guard let self else { return }
        _ = try await self.request(.setNames(names, session: self.session))
    }
    /// Tells this client's names from those of one before.
    private let session = Identifier.random()
    private var launch: Launch?
    private var starting: Task<Void, any Error>?
    private let turns = Gate(width: maximumRequests)

    public init(runDirectory: String, loop: EventLoop) {
        self.runDirectory = runDirectory
        self.loop = loop
    }

    private var address: SocketAddress { .unix("\(runDirectory)/\(ResolverProcess.socketName)") }

    /// Adopts the resolver that runs, or starts one: in a session of its own, so that it outlives this process. One that speaks
    /// another major version of the protocol is replaced by a new one, which takes over its sandboxes on the same ports.
    public func ensureRunning(_ launch: Launch) async throws {
        self.launch = launch
        try await ensureRunning()
    }

    /// Keeps the resolver running until the task is cancelled: holds a connection to it, and starts it again when that breaks.
    public func supervise() async {
        var pause = Duration.milliseconds(10)
        while !Task.isCancelled {
            do {
                try await ensureRunning()
                let (stream, _) = try await connect()
                defer { stream.close() }
                let beginning = ContinuousClock.now
                _ = try await stream.read(upTo: 1)
                if ContinuousClock.now - beginning > .seconds(10) { pause = .milliseconds(10) }
                log.warning("the resolver ended; starting it again")
            } catch {
                if Task.isCancelled { return }
                log.warning("the resolver is not running", ["reason": "\(error)"])
            }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(5))
        }
    }

    // MARK: Requests

    /// Replaces all names; returns when the resolver answers from these or later ones. Of several that are set while the resolver
    /// takes in others, only the last is sent. Refused for a revision below the one that the resolver has.
    public func setNames(_ names: NameState) async throws {
        try await self.names.submit(names)
    }

    /// Serves a sandbox, or puts one that is served on other networks; where it answers in the sandbox.
    public func addSandbox(_ registration: SandboxRegistration) async throws -> ResolverPorts {
        guard case .ports(let ports) = try await request(.addSandbox(registration)) else { throw unexpected() }
        return ports
    }

    /// Ends serving a sandbox; content with one that is not known.
    public func removeSandbox(id: String) async throws {
        _ = try await request(.removeSandbox(id: id))
    }

    /// All sandboxes served, by id.
    public func sandboxes() async throws -> [SandboxStatus] {
        guard case .sandboxes(let sandboxes) = try await request(.listSandboxes) else { throw unexpected() }
        return sandboxes
    }

    /// What the resolver process says of itself.
    public func status() async throws -> ResolverStatus {
        guard case .status(let status) = try await request(.status) else { throw unexpected() }
        return status
    }

    /// Ends the resolver, which forgets its names and sandboxes; content if none runs.
    public func stop() async throws {
        launch = nil
        do {
            let (stream, reader) = try await connect()
            var frames = reader
            let timer = loop.schedule(after: ResolverClient.requestTimeout) { stream.close() }
            defer {
                timer.cancel()
                stream.close()
            }
            try await stream.write(try ResolverProtocol.frame(ResolverRequest.stop))
            _ = try await frames.next()
            // The stream ends with the process.
            _ = try? await stream.read(upTo: 1)
        } catch let error as SystemError where ResolverClient.meansNobody(error) {
            return
        }
    }

    private func request(_ request: ResolverRequest) async throws -> ResolverReply {
        do {
            return try await exchange(request)
        } catch let error as SystemError where ResolverClient.meansNobody(error) && launch != nil {
            try await ensureRunning()
            return try await exchange(request)
        }
    }

    private func exchange(_ request: ResolverRequest) async throws -> ResolverReply {
        await turns.enter()
        defer { turns.leave() }
        let (stream, reader) = try await connect()
        var frames = reader
        let timer = loop.schedule(after: ResolverClient.requestTimeout) { stream.close() }
        defer {
            timer.cancel()
            stream.close()
        }
        try await stream.write(try ResolverProtocol.frame(request))
        guard let json = try await frames.next() else {
            throw ResolverError(.notRunning, "it ended before it answered")
        }
        let reply = try ResolverProtocol.decode(ResolverReply.self, from: json)
        if case .failed(let message) = reply { throw ResolverError(.refused, message) }
        return reply
    }

    /// A connection to a resolver that speaks our protocol.
    private func connect() async throws -> (SocketStream, ResolverProtocol.FrameReader) {
        let (stream, reader, peer) = try await greet()
        guard peer.major == ResolverProtocol.major else {
            stream.close()
            throw ResolverError(.protocolViolation, "the resolver speaks version \(peer.major)")
        }
        return (stream, reader)
    }

    private func greet() async throws -> (SocketStream, ResolverProtocol.FrameReader, ResolverProtocol.Peer) {
        let stream = try await SocketStream.connect(to: address, loop: loop, timeout: .seconds(5))
        let timer = loop.schedule(after: ResolverClient.requestTimeout) { stream.close() }
        defer { timer.cancel() }
        do {
            try await stream.write(ResolverProtocol.preface(pid: getpid()))
            var frames = ResolverProtocol.FrameReader(stream)
            let peer = try await ResolverProtocol.readPreface(&frames)
            return (stream, frames, peer)
        } catch {
            stream.close()
            throw error
        }
    }

    private func unexpected() -> ResolverError { ResolverError(.protocolViolation, "an answer of another kind") }

    private static func meansNobody(_ error: SystemError) -> Bool {
        error.errno == ENOENT || error.errno == ECONNREFUSED
    }

    // MARK: Starting

    private func ensureRunning() async throws {
        if let starting { return try await starting.value }
        // Unstructured, so that all who ask meanwhile wait for the same start, whoever of them is cancelled.
        let task = Task { try await self.start() }
        starting = task
        defer { starting = nil }
        try await task.value
    }

    private func start() async throws {
        do {
            let (stream, reader, peer) = try await greet()
            defer { stream.close() }
            if peer.major == ResolverProtocol.major { return }
            log.info("replacing a resolver of another version", ["version": peer.major, "pid": peer.pid])
            guard peer.pid > 1, kill(peer.pid, SIGTERM) == 0 else { throw SystemError.last("kill", "\(peer.pid)") }
            _ = reader
            _ = try? await stream.read(upTo: 1)
        } catch let error as SystemError where ResolverClient.meansNobody(error) {
            // Nobody listens: one is started below.
        }
        guard let launch else { throw ResolverError(.notRunning, "nothing was said of how to start it") }
        let child = try spawn(launch)
        let deadline = ContinuousClock.now + ResolverClient.startTimeout
        while ContinuousClock.now < deadline {
            if let (stream, _, peer) = try? await greet() {
                stream.close()
                if peer.major == ResolverProtocol.major { return }
            }
            if let status = child.status {
                throw ResolverError(.notRunning, "it ended with \(status); see \(logPath)")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw ResolverError(.notRunning, "it did not come up within \(ResolverClient.startTimeout); see \(logPath)")
    }

    private var logPath: String { "\(runDirectory)/resolver.log" }

    private func spawn(_ launch: Launch) throws -> ChildProcess {
        try Files.createDirectories(runDirectory, mode: 0o711)
        let isLong = ((try? Files.size(logPath)) ?? 0) > ResolverClient.maximumLog
        let file = try Files.open(logPath, O_WRONLY | O_CREAT | O_APPEND | (isLong ? O_TRUNC : 0), mode: 0o600)
        var command = ChildProcess.Command(
            launch.executable, ["resolver", "--run-dir", runDirectory] + launch.arguments, workingDirectory: "/")
        command.isSessionLeader = true
        command.descriptors = [1: file.rawValue, 2: file.rawValue]
        return try ChildProcess.spawn(command, loop: loop)
    }
}
