import Glibc
public import Platform
import Synchronization

/// An HTTP/1.1 server: accepts on any number of addresses, or serves connections that were accepted elsewhere. Every
/// connection is one task on the loop that its stream lives on; handlers run in it, are cancelled when their client leaves, and must
/// not block the thread.
public final class HTTPServer: Sendable {
    private struct State {
        var connections: [ObjectIdentifier: ServerConnection] = [:]
        var listeners: [SocketListener] = []
        var refusing = 0
        var securing = 0
        var isSweeping = false
        var isStopping = false
        var waiting: [OneShot] = []
    }

    /// How exactly deadlines are kept, and how soon a client's leaving is looked for.
    private static let sweepInterval = Duration.milliseconds(100)
    /// Connections beyond the limit that are told so at a time; further ones are closed without a word.
    private static let refusalLimit = 64
    /// Handshakes at a time; who comes meanwhile is closed without a word.
    private static let handshakeLimit = 256

    private let settings: ServerSettings
    private let loop: EventLoop
    private let workers: LoopPool?
    private let state = Mutex(State())

    /// - Parameters:
    ///   - loop: accepts, and serves what comes without a loop of its own.
    ///   - workers: serve the connections that are accepted; `loop` where there are none.
    ///   - render: makes the answer to an error; it must have a body of bytes.
    public init(
        loop: EventLoop, workers: LoopPool? = nil, limits: HTTPLimits = HTTPLimits(),
        observer: HTTPServerObserver = HTTPServerObserver(),
        render: @escaping @Sendable (HTTPError) -> HTTPResponse = HTTPResponse.failure,
        handler: @escaping HTTPHandler
    ) {
        self.loop = loop
        self.workers = workers
        settings = ServerSettings(limits: limits, handler: handler, observer: observer, render: render)
    }

    /// Serves what a router has.
    public convenience init(
        loop: EventLoop, limits: HTTPLimits = HTTPLimits(), observer: HTTPServerObserver = HTTPServerObserver(),
        router: Router
    ) {
        self.init(loop: loop, limits: limits, observer: observer) { try await router.respond(to: $0) }
    }

    deinit {
        let state = state.withLock { $0 }
        for listener in state.listeners { listener.close() }
        for connection in state.connections.values { connection.abort() }
    }

    /// The number of open connections.
    public var connectionCount: Int { state.withLock { $0.connections.count } }

    /// Accepts connections at `address`.
    ///
    /// - Parameters:
    ///   - mode: of a unix socket's file.
    ///   - group: that owns a unix socket's file, where the group exists.
    ///   - securing: makes the stream that HTTP is spoken over, and says who is at its other end; it bounds its own time.
    /// - Returns: the address, with the port that the kernel chose where 0 was asked for.
    /// - Throws: `SystemError`.
    @discardableResult
    public func listen(
        on address: SocketAddress, mode: UInt32 = 0o660, group: String? = nil, securing: Securing? = nil
    ) throws -> SocketAddress {
        let isLocal = if case .unix = address { true } else { false }
        let listener = try SocketListener(on: address, loop: loop, workers: workers, mode: mode) { [weak self] stream in
            guard let self else { return stream.close() }
            if let securing { return secure(stream, securing) }
            let entrance = isLocal ? HTTPPeer.Entrance.local(user: stream.remoteUser) : .open
            _ = admit(stream, HTTPPeer(address: stream.remoteAddress, entrance: entrance), on: stream.loop)
        }
        if case .unix(let path) = address, let group { try Self.setGroup(path, group) }
        let isLate = state.withLock { state in
            if !state.isStopping { state.listeners.append(listener) }
            return state.isStopping
        }
        if isLate { listener.close() }
        return listener.address
    }

    /// Turns a connection that was accepted into a stream that nobody reads along.
    public typealias Securing = @Sendable (SocketStream) async throws -> (stream: any ByteStream, peer: HTTPPeer)

    private func secure(_ stream: SocketStream, _ securing: @escaping Securing) {
        let isFull = state.withLock { state in
            if state.securing < Self.handshakeLimit, !state.isStopping { state.securing += 1 } else { return true }
            return false
        }
        guard !isFull else { return stream.close() }
        // Unstructured, because an accept callback begins it; the handshake has a limit of its own.
        Task(executorPreference: stream.loop) { [weak self] in
            let secured = try? await securing(stream)
            self?.state.withLock { $0.securing -= 1 }
            guard let self, let secured else { return stream.close() }
            _ = admit(secured.stream, secured.peer, on: stream.loop)
        }
    }

    /// Serves one connection that was accepted elsewhere, until it ends. Cancelling the caller closes it.
    public nonisolated(nonsending) func serve(_ stream: any ByteStream, peer: HTTPPeer = HTTPPeer()) async {
        guard let (connection, task) = admit(stream, peer, on: loop) else { return }
        await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            connection.abort()
        }
    }

    /// Closes the connections of those who may not have them any more, whatever is under way there.
    public func abort(where isUnwanted: (HTTPPeer) -> Bool) {
        let connections = state.withLock { Array($0.connections.values) }
        for connection in connections where isUnwanted(connection.peer) { connection.abort() }
    }

    /// Stops accepting, closes idle connections, lets answers under way finish within `limit`, then cancels what is left.
    public nonisolated(nonsending) func shutdown(within limit: Duration) async {
        let (listeners, connections) = state.withLock { state in
            defer { state.listeners = [] }
            state.isStopping = true
            return (state.listeners, Array(state.connections.values))
        }
        for listener in listeners { listener.close() }
        for connection in connections { connection.finish() }
        await drained(within: limit)
        for connection in state.withLock({ Array($0.connections.values) }) { connection.abort() }
        await drained(within: .seconds(1))
    }

    // MARK: Connections

    private func admit(
        _ stream: any ByteStream, _ peer: HTTPPeer, on loop: EventLoop
    ) -> (ServerConnection, Task<Void, Never>)? {
        let connection = ServerConnection(stream, peer: peer, settings: settings, on: loop)
        let key = ObjectIdentifier(connection)
        enum Admission {
            case open(Int, startsSweep: Bool)
            case refuse, close
        }
        let admission = state.withLock { state -> Admission in
            if state.isStopping { return .close }
            guard state.connections.count < settings.limits.connections else {
                guard state.refusing < Self.refusalLimit else { return .close }
                state.refusing += 1
                return .refuse
            }
            state.connections[key] = connection
            defer { state.isSweeping = true }
            return .open(state.connections.count, startsSweep: !state.isSweeping)
        }
        switch admission {
        case .close:
            stream.close()
            return nil
        case .refuse:
            refuse(connection.stream)
            return nil
        case .open(let count, let startsSweep):
            settings.observer.onConnections?(count)
            if startsSweep { scheduleSweep() }
            return (connection, connection.start { [weak self] in self?.remove(key) })
        }
    }

    private func remove(_ key: ObjectIdentifier) {
        let (count, waiting) = state.withLock { state in
            state.connections[key] = nil
            guard state.connections.isEmpty else { return (state.connections.count, [OneShot]()) }
            defer { state.waiting = [] }
            return (0, state.waiting)
        }
        settings.observer.onConnections?(count)
        for waiter in waiting { waiter.resume() }
    }

    private func refuse(_ stream: WatchedStream) {
        let error = HTTPError(.serviceUnavailable, "too many connections")
        let bytes = ResponseWriter.refusal(settings.render(error))
        // Unstructured, because an accept callback begins it; lingering bounds it.
        Task(executorPreference: loop) { [weak self] in
            try? await stream.write(bytes)
            await stream.linger(.seconds(1))
            self?.state.withLock { $0.refusing -= 1 }
        }
    }

    private func scheduleSweep() {
        loop.schedule(after: Self.sweepInterval) { [weak self] in self?.sweep() }
    }

    private func sweep() {
        let now = MonotonicClock.nanoseconds()
        // Of thousands few are late: the others are looked at and not touched.
        let (late, goesOn) = state.withLock { state in
            state.isSweeping = !state.connections.isEmpty
            return (state.connections.values.filter { $0.isLate(now) }, state.isSweeping)
        }
        for connection in late { connection.checkDeadline(now) }
        if goesOn { scheduleSweep() }
    }

    private nonisolated(nonsending) func drained(within limit: Duration) async {
        await withCheckedContinuation { continuation in
            let waiter = OneShot(continuation)
            let isEmpty = state.withLock { state in
                if !state.connections.isEmpty { state.waiting.append(waiter) }
                return state.connections.isEmpty
            }
            if isEmpty { return waiter.resume() }
            loop.schedule(after: limit) { waiter.resume() }
        }
    }

    private static func setGroup(_ path: String, _ name: String) throws(SystemError) {
        guard let entry = getgrnam(name) else { return }
        try checked(chown(path, uid_t.max, entry.pointee.gr_gid), "chown", path)
    }
}
