internal import CLinux
internal import Glibc
internal import Synchronization

/// A listening stream socket on an event loop.
public final class SocketListener: Sendable {
    /// Connections taken at once, before the loop turns to others.
    private static let acceptsPerEvent = 64
    /// How long nobody is accepted when descriptors or memory have run out.
    private static let pauseWhenExhausted = Duration.milliseconds(100)

    /// Where it listens, with the port that the kernel chose where 0 was asked for.
    public let address: SocketAddress
    private let loop: EventLoop
    /// Where connections live.
    private let workers: LoopPool
    private let onAccept: @Sendable (SocketStream) -> Void

    private struct State: Sendable {
        var descriptor: Int32
        var watch: EventLoop.Watch?
    }
    private let state: Mutex<State>

    /// Listens. `onAccept` runs on the loop's thread; the streams live on the loops of `workers`, on `loop` where there are
    /// none. A unix socket's file is made with `mode`, in the place of one at which nobody listens any more.
    public init(
        on address: SocketAddress, loop: EventLoop, workers: LoopPool? = nil, backlog: Int = 1024,
        mode: UInt32 = 0o660,
        onAccept: @escaping @Sendable (SocketStream) -> Void
    ) throws(SystemError) {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = Descriptor(owning: try checked(socket(address.family, type, 0), "socket", "\(address)"))
        if case .unix(let path) = address {
            try Self.removeDeadSocket(path)
        } else {
            try SocketOption.set(descriptor.rawValue, SOL_SOCKET, SO_REUSEADDR, 1)
        }
        try checked(try address.withSockaddr { bind(descriptor.rawValue, $0, $1) }, "bind", "\(address)")
        if case .unix(let path) = address { try checked(chmod(path, mode), "chmod", path) }
        try checked(listen(descriptor.rawValue, Int32(clamping: backlog)), "listen", "\(address)")
        if case .unix = address {
            self.address = address
        } else {
            self.address = try SocketAddress.local(of: descriptor.rawValue)
        }
        self.loop = loop
        self.workers = workers ?? LoopPool(loop)
        self.onAccept = onAccept
        let number = descriptor.release()
        state = Mutex(State(descriptor: number))
        do {
            let watch = try loop.watch(number, for: .readable) { [weak self] _ in self?.accept() }
            state.withLock { $0.watch = watch }
        } catch {
            _ = Glibc.close(number)
            throw error
        }
    }

    deinit { close() }

    /// Stops listening; connections that were accepted stay. A unix socket's file is removed.
    public func close() {
        let ended = state.withLock { state in
            defer { state = State(descriptor: -1) }
            return state
        }
        guard ended.descriptor >= 0 else { return }
        ended.watch?.cancel()
        if case .unix(let path) = address { try? Files.unlink(path) }
        _ = Glibc.close(ended.descriptor)
    }

    private static func removeDeadSocket(_ path: String) throws(SystemError) {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let probe = Descriptor(owning: try checked(socket(AF_UNIX, type, 0), "socket", path))
        let result = try SocketAddress.unix(path).withSockaddr { connect(probe.rawValue, $0, $1) }
        if result == -1 && errno == ECONNREFUSED { try Files.unlink(path) }
    }

    private func accept() {
        for _ in 0..<Self.acceptsPerEvent {
            let number = state.withLock { state -> Int32 in
                guard state.descriptor >= 0 else { return -1 }
                return cl_accept4(
                    state.descriptor, nil, nil, Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue))
            }
            if number >= 0 {
                // A peer that is already gone again makes adopting fail: nothing is lost.
                if let stream = try? SocketStream(adopting: Descriptor(owning: number), loop: workers.next()) {
                    onAccept(stream)
                }
                continue
            }
            switch errno {
            case EINTR, ECONNABORTED: continue
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return pause()
            default: return
            }
        }
    }

    private func pause() {
        guard let watch = state.withLock({ $0.watch }) else { return }
        try? watch.update([])
        loop.schedule(after: Self.pauseWhenExhausted) { [weak self] in
            try? self?.state.withLock({ $0.watch })?.update(.readable)
        }
    }
}
