import CLinux
import Glibc
import Platform

/// Carries datagrams to and from the kernel; tests put frames of their own behind it.
protocol NetlinkChannel: AnyObject {
    func send(_ datagram: [UInt8]) throws
    /// The next datagram; blocks for a bounded time.
    func receive() throws -> [UInt8]
}

/// A netlink socket of the namespace of the thread that opens it; it stays bound there, whichever thread uses it.
final class NetlinkSocket: NetlinkChannel {
    /// Room for the acknowledgements of a whole batch, and for a batch itself.
    private static let bufferSize: Int32 = 4 << 20
    /// The kernel cuts dumps into datagrams of at most 32 KiB.
    private static let datagramLimit = 64 << 10
    private static let replyTimeoutSeconds = 10

    private let descriptor: Descriptor
    private let isSlowToClose: Bool

    /// - Parameter family: NETLINK_ROUTE or NETLINK_NETFILTER.
    init(family: Int32) throws(SystemError) {
        let type = Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue)
        descriptor = Descriptor(owning: try checked(socket(AF_NETLINK, type, family), "socket", "netlink \(family)"))
        isSlowToClose = family == NETLINK_NETFILTER
        // The forced sizes need CAP_NET_ADMIN, which everything here needs anyway; without it the defaults do.
        set(SOL_SOCKET, SO_SNDBUFFORCE, Self.bufferSize)
        set(SOL_SOCKET, SO_RCVBUFFORCE, Self.bufferSize)
        set(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        set(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        var timeout = timeval(tv_sec: Self.replyTimeoutSeconds, tv_usec: 0)
        setsockopt(
            descriptor.rawValue, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit {
        guard isSlowToClose else { return }
        // The kernel lets such a socket close only when what its transactions took away has been freed, some 15 ms later.
        let duplicate = fcntl(descriptor.rawValue, F_DUPFD_CLOEXEC, 0)
        guard duplicate >= 0 else { return }
        startThread(named: "netlink-close") { close(duplicate) }
    }

    func send(_ datagram: [UInt8]) throws {
        let sent = datagram.withUnsafeBytes { Glibc.send(descriptor.rawValue, $0.baseAddress, $0.count, 0) }
        try checked(sent, "send", "netlink")
    }

    func receive() throws -> [UInt8] {
        while true {
            var sender = sockaddr_nl()
            var senderLength = socklen_t(MemoryLayout<sockaddr_nl>.size)
            var failure: Int32 = 0
            let datagram = [UInt8](unsafeUninitializedCapacity: Self.datagramLimit) { buffer, initialized in
                let size = withUnsafeMutablePointer(to: &sender) { pointer in
                    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        recvfrom(
                            descriptor.rawValue, buffer.baseAddress, buffer.count, Int32(MSG_TRUNC), $0,
                            &senderLength)
                    }
                }
                if size < 0 { failure = errno }
                if size > buffer.count { failure = EMSGSIZE }
                initialized = max(0, min(size, buffer.count))
            }
            if failure == EINTR { continue }
            if failure != 0 { throw SystemError(errno: failure, call: "recvfrom", subject: "netlink") }
            // Anyone may send to a netlink socket; only the kernel has port id 0.
            if sender.nl_pid == 0 { return datagram }
        }
    }

    private func set(_ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        setsockopt(descriptor.rawValue, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}
