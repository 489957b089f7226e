internal import CLinux
internal import Glibc
internal import Synchronization

/// A connected stream socket (TCP or unix) on an event loop.
///
/// Calls try the system call first and wait for the loop only where it would block. They may come from any thread; they are
/// cheapest on the loop's own. Letting go of the last reference closes the socket.
public final class SocketStream: ByteStream {
    /// Unsent bytes that a TCP socket holds before writers wait (TCP_NOTSENT_LOWAT); a unix socket has the kernel's own bound.
    public static let highWaterMark = 256 << 10
    /// Most bytes that one read returns, whatever is asked for.
    public static let readLimit = 256 << 10

    /// The loop on which the stream began to wait; see `move`.
    public let loop: EventLoop
    /// The other end, where it has a name.
    public let remoteAddress: SocketAddress?
    /// The user who runs the process at the other end of a unix socket, as the kernel says (SO_PEERCRED); nil for others.
    public let remoteUser: UInt32?
    private let core: SocketCore

    /// Takes over a connected socket, which is made non-blocking.
    public init(adopting descriptor: consuming Descriptor, loop: EventLoop) throws(SystemError) {
        self.loop = loop
        let number = descriptor.rawValue
        remoteAddress = try? SocketAddress.remote(of: number)
        let flags = try checked(fcntl(number, F_GETFL), "fcntl")
        if flags & O_NONBLOCK == 0 { try checked(fcntl(number, F_SETFL, flags | O_NONBLOCK), "fcntl") }
        switch remoteAddress {
        case .ipv4, .ipv6:
            remoteUser = nil
            try Self.tune(number)
        case .unix, nil:
            var user: UInt32 = 0
            remoteUser = cl_peer_user(number, &user) == 0 ? user : nil
        }
        core = SocketCore(descriptor.release())
        do {
            try core.move(to: loop)
        } catch {
            core.close()
            throw error
        }
    }

    deinit { core.close() }

    private static func tune(_ descriptor: Int32) throws(SystemError) {
        try SocketOption.set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        try SocketOption.set(descriptor, Int32(IPPROTO_TCP), TCP_NOTSENT_LOWAT, Int32(highWaterMark))
    }

    /// Has the kernel end a TCP connection whose other end is gone without a word: within `limit` of silence where nothing is
    /// under way, and, unless `mayStall`, also where bytes stay unacknowledged or the peer takes no more for so long
    /// (SO_KEEPALIVE, TCP_USER_TIMEOUT in tcp(7)). Nothing to be done for a unix socket.
    public func endWhenLost(within limit: Duration, mayStall: Bool = false) throws(SystemError) {
        switch remoteAddress {
        case .ipv4, .ipv6: break
        case .unix, nil: return
        }
        let (level, seconds) = (Int32(IPPROTO_TCP), Int32(clamping: max(3, limit.components.seconds)))
        try core.setOption(SOL_SOCKET, SO_KEEPALIVE, 1)
        try core.setOption(level, TCP_KEEPIDLE, max(1, seconds / 3))
        try core.setOption(level, TCP_KEEPINTVL, max(1, seconds / 3))
        try core.setOption(level, TCP_KEEPCNT, 2)
        if !mayStall { try core.setOption(level, TCP_USER_TIMEOUT, seconds &* 1000) }
    }

    /// Connects within the timeout.
    public nonisolated(nonsending) static func connect(
        to address: SocketAddress, loop: EventLoop, timeout: Duration = .seconds(10)
    ) async throws -> SocketStream {
        let deadline = MonotonicClock.nanoseconds() &+ max(0, timeout.nanoseconds)
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = Descriptor(owning: try checked(socket(address.family, type, 0), "socket", "\(address)"))
        while true {
            let result = try address.withSockaddr { Glibc.connect(descriptor.rawValue, $0, $1) }
            if result == 0 { break }
            let error = SystemError.last("connect", "\(address)")
            let left = deadline &- MonotonicClock.nanoseconds()
            guard left > 0 else { throw SystemError(errno: ETIMEDOUT, call: "connect", subject: "\(address)") }
            switch error.errno {
            case EINTR: continue
            case EAGAIN:
                // A unix listener's backlog is full: there is nothing to wait on.
                try await loop.sleep(for: .nanoseconds(min(left, 5_000_000)))
                continue
            case EINPROGRESS:
                guard try await loop.wait(descriptor.rawValue, for: .writable, timeout: .nanoseconds(left)) else {
                    throw SystemError(errno: ETIMEDOUT, call: "connect", subject: "\(address)")
                }
                let failure = try SocketOption.get(descriptor.rawValue, SOL_SOCKET, SO_ERROR)
                if failure != 0 { throw SystemError(errno: failure, call: "connect", subject: "\(address)") }
            default: throw error
            }
            break
        }
        return try SocketStream(adopting: descriptor, loop: loop)
    }

    /// Two streams connected to each other.
    public static func pair(loop: EventLoop) throws(SystemError) -> (SocketStream, SocketStream) {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        try checked(socketpair(AF_UNIX, type, 0, &ends), "socketpair")
        let second = Descriptor(owning: ends[1])
        let first = try SocketStream(adopting: Descriptor(owning: ends[0]), loop: loop)
        return (first, try SocketStream(adopting: second, loop: loop))
    }

    /// At least one byte and at most `limit`; none at the end of the stream.
    public nonisolated(nonsending) func read(upTo limit: Int) async throws -> [UInt8] {
        precondition(limit > 0, "a read of nothing")
        let limit = min(limit, Self.readLimit)
        switch core.tryRead(limit) {
        case .done(let result): return try result.get()
        case .wouldBlock: break
        }
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { core.read(limit, $0) }
        } onCancel: {
            core.cancelRead()
        }
    }

    /// Cancelling a task whose write waits closes the stream: half a message may have gone out.
    public nonisolated(nonsending) func write(_ bytes: [UInt8]) async throws {
        if bytes.isEmpty { return }
        guard let pending = try core.tryWrite(bytes) else { return }
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { core.await(pending, $0) }
        } onCancel: {
            core.close()
        }
    }

    /// See `ByteStream.move`.
    public func move(to loop: EventLoop) throws(SystemError) { try core.move(to: loop) }

    /// See `ByteStream.isClear`.
    public var isClear: Bool { core.isClear }

    /// See `ByteStream.tryWrite`.
    public func tryWrite(_ bytes: [UInt8]) -> Bool { core.post(bytes) }

    /// Sends what is queued, then tells the other end that no more comes (shutdown(2), SHUT_WR).
    public nonisolated(nonsending) func shutdownWrite() async throws {
        try core.shutdownWrite()
    }

    /// Ends both directions at once; who waits for either gets an error.
    public func close() { core.close() }

    /// The same after what the socket takes of `lastWords` without waiting.
    public func close(after lastWords: [UInt8]) {
        core.sendAtOnce(lastWords)
        core.close()
    }
}

/// Options of sockets as numbers.
enum SocketOption {
    static func set(_ descriptor: Int32, _ level: Int32, _ name: Int32, _ value: Int32) throws(SystemError) {
        var value = value
        try checked(setsockopt(descriptor, level, name, &value, 4), "setsockopt", "\(level)/\(name)")
    }

    static func get(_ descriptor: Int32, _ level: Int32, _ name: Int32) throws(SystemError) -> Int32 {
        var value: Int32 = 0
        var length: socklen_t = 4
        try checked(getsockopt(descriptor, level, name, &value, &length), "getsockopt", "\(level)/\(name)")
        return value
    }
}
