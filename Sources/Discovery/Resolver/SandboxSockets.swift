import Glibc
import Platform

/// The sockets on which a sandbox's containers are answered: made in its network namespace, used from the event loop.
final class SandboxSockets: Sendable {
    /// Where containers find their resolver.
    static let address = IPv4Address(127, 0, 0, 11)

    let udp: Descriptor
    let listener: SocketListener
    let ports: ResolverPorts
    /// The namespace's inode: another one at the same path is another namespace.
    let namespaceID: UInt64

    /// Makes both sockets; for a thread that is in the sandbox's namespace. A port of zero is chosen by the kernel.
    private init(
        namespaceID: UInt64, wanted: ResolverPorts, loop: EventLoop,
        onAccept: @escaping @Sendable (SocketStream) -> Void
    ) throws {
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let socket = Descriptor(owning: try checked(socket(AF_INET, type, 0), "socket"))
        let address = SocketAddress.ipv4(SandboxSockets.address, wanted.udp)
        try checked(try address.withSockaddr { bind(socket.rawValue, $0, $1) }, "bind", "\(address)")
        let bound = try SocketAddress.local(of: socket.rawValue)
        listener = try SocketListener(
            on: .ipv4(SandboxSockets.address, wanted.tcp), loop: loop, backlog: 64, onAccept: onAccept)
        ports = ResolverPorts(udp: bound.port ?? 0, tcp: listener.address.port ?? 0)
        udp = socket
        self.namespaceID = namespaceID
    }

    /// Opens the sockets in the namespace at the path. Where the wanted ports are taken, others.
    nonisolated(nonsending) static func open(
        in path: String, wanted: ResolverPorts?, loop: EventLoop, onAccept: @escaping @Sendable (SocketStream) -> Void
    ) async throws -> SandboxSockets {
        let namespaceID = try identity(of: path)
        let make: @Sendable (ResolverPorts) throws -> SandboxSockets = { ports in
            try SandboxSockets(namespaceID: namespaceID, wanted: ports, loop: loop, onAccept: onAccept)
        }
        return try await NetworkNamespace.open(path).perform {
            if let wanted {
                do {
                    return try make(wanted)
                } catch let error as SystemError where error.errno == EADDRINUSE {
                    return try make(ResolverPorts(udp: 0, tcp: 0))
                }
            }
            return try make(ResolverPorts(udp: 0, tcp: 0))
        }
    }

    static func identity(of path: String) throws(SystemError) -> UInt64 {
        var status = stat()
        try checked(stat(path, &status), "stat", path)
        return UInt64(status.st_ino)
    }

    /// A datagram and whom it came from.
    struct Datagram {
        var bytes: [UInt8]
        var sender: sockaddr_in
    }

    /// The next datagram; nil when there is none. One longer than any query comes back cut.
    func receive() -> Datagram? {
        var sender = sockaddr_in()
        var received = -1
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(QueryResponder.udpLimit)) { buffer, count in
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            received = withUnsafeMutablePointer(to: &sender) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    recvfrom(udp.rawValue, buffer.baseAddress, buffer.count, 0, $0, &length)
                }
            }
            count = max(0, received)
        }
        return received < 0 ? nil : Datagram(bytes: bytes, sender: sender)
    }

    /// Sends, or drops where the socket is full: the client asks again.
    func send(_ bytes: [UInt8], to receiver: sockaddr_in) {
        withUnsafePointer(to: receiver) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = sendto(
                    udp.rawValue, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0,
                    socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
