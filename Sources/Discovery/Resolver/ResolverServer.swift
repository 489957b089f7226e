import Glibc
import Platform

/// Answers the containers of a node's sandboxes. Lives on one event loop, with all sockets on it.
actor ResolverServer {
    enum Limit {
        static let sandboxes = 8_192
        /// Queries that wait for upstream servers, of all sandboxes and of one.
        static let forwarding = 2_048
        static let forwardingPerSandbox = 256
        /// Streams that containers have open, of all sandboxes and of one.
        static let streams = 1_024
        static let streamsPerSandbox = 64
        /// Datagrams taken from one sandbox before the others have their turn.
        static let datagramsPerTurn = 64
        /// How long a stream may be silent (RFC 7766, 6.2.3).
        static let streamIdle = Duration.seconds(10)
        /// Between two looks at whether the namespaces of the sandboxes are still there.
        static let sweep = Duration.seconds(15)
    }

    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private let log = Logger("resolver")
    private let nameFile: Coalescer<NameState>
    private let sandboxFile: Coalescer<[SandboxStatus]>
    private var upstreams: UpstreamSource
    private var table: NameTable
    /// Who said the names; empty while they are a former resolver's.
    private var session = ""
    private var sandboxes: [String: Sandbox] = [:]
    /// Sandboxes that are being changed, and who waits for that.
    private var changing: [String: [CheckedContinuation<Void, Never>]] = [:]
    private var random = FastRandom(seed: .random(in: 0 ... .max))
    private var forwarding = 0
    private var streams = 0
    private var counts = ResolverStatus(pid: getpid(), revision: 0, sandboxes: 0)

    /// - Parameter runDirectory: where the state of a former resolver is, and where this one keeps its own.
    init(runDirectory: String, upstreams: UpstreamSource, loop: EventLoop) {
        self.loop = loop
        self.upstreams = upstreams
        let names = StateFile<NameState>(path: "\(runDirectory)/\(ResolverProcess.nameFile)")
        let sandboxes = StateFile<[SandboxStatus]>(path: "\(runDirectory)/\(ResolverProcess.sandboxFile)")
        nameFile = Coalescer(loop: loop) { content in
            try await runOnThread(named: "resolver-names") { try names.save(content) }
        }
        sandboxFile = Coalescer(loop: loop) { content in
            try await runOnThread(named: "resolver-state") { try sandboxes.save(content) }
        }
        table = NameTable(names.load() ?? NameState())
    }

    /// Opens the sandboxes that a former resolver served again, on the same ports. Those whose namespace is gone are let go.
    func resume(_ former: [SandboxStatus]) async {
        for status in former.prefix(Limit.sandboxes) {
            do {
                let ports = try await open(status.registration, wanted: status.ports)
                if ports != status.ports {
                    log.warning("a sandbox's ports were taken", ["sandbox": status.registration.id])
                }
            } catch {
                log.warning("a sandbox is gone", ["sandbox": status.registration.id, "reason": "\(error)"])
            }
        }
        try? await saveSandboxes()
        scheduleSweep()
    }

    // MARK: What the daemon asks

    /// Takes the names in, unless they are older than what the same session has said before. Another session is another
    /// daemon, maybe of another cluster, whose revisions say nothing of those before.
    func setNames(_ names: NameState, session: String) async throws {
        guard session != self.session || names.revision >= table.revision else {
            throw ResolverError(.refused, "revision \(names.revision) is older than \(table.revision)")
        }
        self.session = session
        table = NameTable(names)
        for sandbox in sandboxes.values {
            sandbox.view = table.view(of: sandbox.registration.networkIDs)
        }
        try await nameFile.submit(names)
    }

    /// Serves the sandbox, or one that is served already on other networks. The ports are kept before they are told.
    func addSandbox(_ registration: SandboxRegistration) async throws -> ResolverPorts {
        let id = registration.id
        await beginChanging(id)
        defer { endChanging(id) }
        if let sandbox = sandboxes[id], sandbox.isIn(registration.namespacePath) {
            sandbox.registration = registration
            sandbox.view = table.view(of: registration.networkIDs)
        } else {
            guard sandboxes.count < Limit.sandboxes else {
                throw ResolverError(.tooMany, "sandboxes on one node: \(sandboxes.count)")
            }
            _ = try await open(registration, wanted: nil)
        }
        try await saveSandboxes()
        guard let sandbox = sandboxes[id] else {
            throw ResolverError(.refused, "the namespace of sandbox \(id) is gone")
        }
        return sandbox.sockets.ports
    }

    func removeSandbox(id: String) async throws {
        await beginChanging(id)
        defer { endChanging(id) }
        guard let sandbox = sandboxes.removeValue(forKey: id) else { return }
        sandbox.close()
        try await saveSandboxes()
    }

    /// Waits until nobody else changes the sandbox: opening sockets takes a while, in which more requests may come.
    private func beginChanging(_ id: String) async {
        while changing[id] != nil {
            await withCheckedContinuation { continuation in
                // It may have ended between the look and the wait.
                if changing[id] == nil { continuation.resume() } else { changing[id]?.append(continuation) }
            }
        }
        changing[id] = []
    }

    private func endChanging(_ id: String) {
        for waiter in changing.removeValue(forKey: id) ?? [] {
            waiter.resume()
        }
    }

    func listSandboxes() -> [SandboxStatus] {
        sandboxes.values.map(\.status).sorted { $0.registration.id < $1.registration.id }
    }

    func status() -> ResolverStatus {
        var status = counts
        status.revision = table.revision
        status.sandboxes = sandboxes.count
        return status
    }

    private func saveSandboxes() async throws {
        try await sandboxFile.submit(listSandboxes())
    }

    // MARK: Sockets

    private func scheduleSweep() {
        loop.schedule(after: Limit.sweep) { [weak self] in
            self?.assumeIsolated {
                $0.sweep()
                $0.scheduleSweep()
            }
        }
    }

    /// Lets go of sandboxes whose namespace is gone without anybody having said so: our sockets would keep it alive.
    func sweep() {
        let gone = sandboxes.values.filter {
            changing[$0.registration.id] == nil && !$0.isIn($0.registration.namespacePath)
        }
        guard !gone.isEmpty else { return }
        for sandbox in gone {
            log.info("a sandbox's namespace is gone", ["sandbox": sandbox.registration.id])
            sandboxes[sandbox.registration.id] = nil
            sandbox.close()
        }
        // Nobody waits for it: a former list only makes a resolver that is started anew look for them once more.
        Task { try? await self.saveSandboxes() }
    }

    private func open(_ registration: SandboxRegistration, wanted: ResolverPorts?) async throws -> ResolverPorts {
        let id = registration.id
        let sockets = try await SandboxSockets.open(in: registration.namespacePath, wanted: wanted, loop: loop) {
            [weak self] stream in
            self?.assumeIsolated { $0.accept(stream, sandboxID: id) }
        }
        sandboxes[id]?.close()
        let sandbox = Sandbox(registration, sockets: sockets, view: table.view(of: registration.networkIDs))
        sandbox.watch = try loop.watch(sockets.udp.rawValue, for: .readable) { [weak self] _ in
            self?.assumeIsolated { $0.receive(sandboxID: id) }
        }
        sandboxes[id] = sandbox
        return sockets.ports
    }

    private func receive(sandboxID: String) {
        guard let sandbox = sandboxes[sandboxID] else { return }
        for _ in 0..<Limit.datagramsPerTurn {
            guard let datagram = sandbox.sockets.receive() else { return }
            let action = QueryResponder.respond(
                to: datagram.bytes, over: .udp, view: sandbox.view, using: &random)
            switch action {
            case .ignore: continue
            case .reply(let bytes):
                counts.answered &+= 1
                sandbox.sockets.send(bytes, to: datagram.sender)
            case .forward(let query):
                guard beginForwarding(sandbox) else {
                    sandbox.sockets.send(
                        QueryResponder.failure(of: query, .serverFailure, over: .udp), to: datagram.sender)
                    continue
                }
                // Bounded by the limits on forwarding, and by the time that upstream servers are given.
                Task {
                    let answer = await self.forward(query, datagram.bytes, over: .udp, of: sandbox)
                    sandbox.sockets.send(answer, to: datagram.sender)
                }
            }
        }
    }

    // MARK: Forwarding

    private func beginForwarding(_ sandbox: Sandbox) -> Bool {
        guard forwarding < Limit.forwarding, sandbox.forwarding < Limit.forwardingPerSandbox else {
            counts.overloaded &+= 1
            return false
        }
        forwarding += 1
        sandbox.forwarding += 1
        counts.forwarded &+= 1
        return true
    }

    private func forward(
        _ query: DNSMessage, _ bytes: [UInt8], over transport: QueryResponder.Transport, of sandbox: Sandbox
    ) async -> [UInt8] {
        let forwarder = UpstreamForwarder(loop: loop, upstreams: upstreams.current())
        let answer = await forwarder.answer(query, bytes: bytes, over: transport)
        forwarding -= 1
        sandbox.forwarding -= 1
        return answer
    }

    // MARK: Streams

    private func accept(_ stream: SocketStream, sandboxID: String) {
        guard let sandbox = sandboxes[sandboxID], streams < Limit.streams,
            sandbox.streams < Limit.streamsPerSandbox
        else {
            counts.overloaded &+= 1
            stream.close()
            return
        }
        streams += 1
        sandbox.streams += 1
        // Bounded by the limits on streams, and by the time that a stream may be silent.
        Task {
            // A stream that fails ends; its client connects again.
            try? await self.serve(stream, sandbox)
            stream.close()
            self.streams -= 1
            sandbox.streams -= 1
        }
    }

    private func serve(_ stream: SocketStream, _ sandbox: Sandbox) async throws {
        var messages = DNSStream(stream)
        while true {
            let timer = loop.schedule(after: Limit.streamIdle) { stream.close() }
            defer { timer.cancel() }
            guard let bytes = try await messages.next() else { return }
            let action = QueryResponder.respond(to: bytes, over: .tcp, view: sandbox.view, using: &random)
            switch action {
            case .ignore: return
            case .reply(let answer):
                counts.answered &+= 1
                try await messages.send(answer)
            case .forward(let query):
                let answer =
                    beginForwarding(sandbox)
                    ? await forward(query, bytes, over: .tcp, of: sandbox)
                    : QueryResponder.failure(of: query, .serverFailure, over: .tcp)
                try await messages.send(answer)
            }
        }
    }
}
