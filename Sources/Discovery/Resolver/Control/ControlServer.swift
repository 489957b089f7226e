import Glibc
import Platform

/// Takes the daemon's requests on the control socket.
actor ControlServer {
    /// Connections at once.
    private static let maximumConnections = 256
    /// How long a connection may be silent before its first request; supervisors then hold it open.
    private static let prefaceTimeout = Duration.seconds(5)

    private let server: ResolverServer
    private let loop: EventLoop
    private var listener: SocketListener?
    private var connections = 0
    private var isStopped = false
    private var stopped: CheckedContinuation<Void, Never>?
    private let log = Logger("resolver")

    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    init(_ server: ResolverServer, loop: EventLoop) {
        self.server = server
        self.loop = loop
    }

    /// Listens on the socket until somebody asks to stop.
    func run(socketPath: String) async throws {
        listener = try SocketListener(on: .unix(socketPath), loop: loop, mode: 0o600) { [weak self] stream in
            self?.assumeIsolated { $0.accept(stream) }
        }
        await withCheckedContinuation { waiter in
            if isStopped { waiter.resume() } else { stopped = waiter }
        }
        listener?.close()
    }

    private func accept(_ stream: SocketStream) {
        guard connections < ControlServer.maximumConnections else {
            stream.close()
            return
        }
        connections += 1
        // Bounded by the limit on connections; only root reaches the socket.
        Task {
            do {
                try await self.serve(stream)
            } catch {
                self.log.debug("a control connection failed", ["reason": "\(error)"])
            }
            stream.close()
            self.connections -= 1
        }
    }

    private func serve(_ stream: SocketStream) async throws {
        var frames = ResolverProtocol.FrameReader(stream)
        let timer = loop.schedule(after: ControlServer.prefaceTimeout) { stream.close() }
        try await stream.write(ResolverProtocol.preface(pid: getpid()))
        let peer = try await ResolverProtocol.readPreface(&frames)
        timer.cancel()
        guard peer.major == ResolverProtocol.major else { return }
        while let json = try await frames.next() {
            var isLast = false
            let reply: ResolverReply
            do {
                let request = try ResolverProtocol.decode(ResolverRequest.self, from: json)
                if case .stop = request { isLast = true }
                reply = try await handle(request)
            } catch {
                reply = .failed(message: "\(error)")
            }
            try await stream.write(try ResolverProtocol.frame(reply))
            if isLast {
                isStopped = true
                stopped?.resume()
                stopped = nil
            }
        }
    }

    private func handle(_ request: ResolverRequest) async throws -> ResolverReply {
        switch request {
        case .setNames(let names, let session):
            try await server.setNames(names, session: session)
            return .done
        case .addSandbox(let registration):
            return .ports(try await server.addSandbox(registration))
        case .removeSandbox(let id):
            try await server.removeSandbox(id: id)
            return .done
        case .listSandboxes:
            return .sandboxes(await server.listSandboxes())
        case .status:
            return .status(await server.status())
        case .stop:
            return .done
        }
    }
}
