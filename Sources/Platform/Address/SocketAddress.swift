public import Glibc

/// Where a socket is bound or connected.
public enum SocketAddress: Hashable, Sendable, CustomStringConvertible {
    case ipv4(IPv4Address, UInt16)
    case ipv6(IPv6Address, UInt16)
    /// A path of at most 107 bytes.
    case unix(String)

    /// The longest path of a unix socket (unix(7)).
    public static let unixPathLimit = 107

    /// `10.0.0.1:2377`, `[::1]:2377`, `tcp://10.0.0.1:2377`, `unix:///run/x.sock`; nil when it is something else.
    public static func parse(_ text: String) -> SocketAddress? {
        if text.hasPrefix("unix://") {
            let path = String(text.dropFirst(7))
            return path.isEmpty || path.utf8.count > unixPathLimit || path.utf8.contains(0) ? nil : .unix(path)
        }
        let endpoint = text.hasPrefix("tcp://") ? text.dropFirst(6) : text[...]
        guard let colon = endpoint.lastIndex(of: ":") else { return nil }
        let digits = endpoint[endpoint.index(after: colon)...]
        guard (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy({ (48...57).contains($0) }),
            let port = UInt16(digits)
        else { return nil }
        let host = endpoint[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            return IPv6Address(String(host.dropFirst().dropLast())).map { .ipv6($0, port) }
        }
        return IPv4Address(host).map { .ipv4($0, port) }
    }

    /// The port; nil for a unix socket.
    public var port: UInt16? {
        switch self {
        case .ipv4(_, let port), .ipv6(_, let port): port
        case .unix: nil
        }
    }

    /// The same address with another port; unchanged for a unix socket.
    public func withPort(_ port: UInt16) -> SocketAddress {
        switch self {
        case .ipv4(let address, _): .ipv4(address, port)
        case .ipv6(let address, _): .ipv6(address, port)
        case .unix: self
        }
    }

    public var description: String {
        switch self {
        case .ipv4(let address, let port): "\(address):\(port)"
        case .ipv6(let address, let port): "[\(address)]:\(port)"
        case .unix(let path): "unix://\(path)"
        }
    }

    /// The address family, AF_INET, AF_INET6 or AF_UNIX.
    public var family: Int32 {
        switch self {
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        case .unix: AF_UNIX
        }
    }

    /// Calls `body` with the address as the kernel wants it; fails with ENAMETOOLONG on a path that is too long.
    public func withSockaddr<T>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> T) throws(SystemError) -> T {
        var storage = sockaddr_storage()
        let length: Int
        switch self {
        case .ipv4(let address, let port):
            var inet = sockaddr_in()
            inet.sin_family = sa_family_t(AF_INET)
            inet.sin_port = port.bigEndian
            inet.sin_addr.s_addr = address.value.bigEndian
            length = MemoryLayout<sockaddr_in>.size
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: inet, as: sockaddr_in.self) }
        case .ipv6(let address, let port):
            var inet = sockaddr_in6()
            inet.sin6_family = sa_family_t(AF_INET6)
            inet.sin6_port = port.bigEndian
            inet.sin6_addr = address.inAddress
            length = MemoryLayout<sockaddr_in6>.size
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: inet, as: sockaddr_in6.self) }
        case .unix(let path):
            let bytes = [UInt8](path.utf8)
            guard bytes.count <= Self.unixPathLimit else {
                throw SystemError(errno: ENAMETOOLONG, call: "sockaddr_un", subject: path)
            }
            storage.ss_family = sa_family_t(AF_UNIX)
            length = 2 + bytes.count + 1
            withUnsafeMutableBytes(of: &storage) { buffer in
                UnsafeMutableRawBufferPointer(rebasing: buffer[2...]).copyBytes(from: bytes)
            }
        }
        return withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(length)) }
        }
    }

    /// Reads what the kernel filled in; nil for other families.
    init?(_ storage: sockaddr_storage, length: socklen_t) {
        let family = Int32(storage.ss_family)
        let address: SocketAddress? = withUnsafeBytes(of: storage) { buffer in
            switch family {
            case AF_INET:
                let inet = buffer.loadUnaligned(as: sockaddr_in.self)
                return .ipv4(
                    IPv4Address(value: UInt32(bigEndian: inet.sin_addr.s_addr)), UInt16(bigEndian: inet.sin_port))
            case AF_INET6:
                let inet = buffer.loadUnaligned(as: sockaddr_in6.self)
                return .ipv6(IPv6Address(inet.sin6_addr), UInt16(bigEndian: inet.sin6_port))
            case AF_UNIX:
                let end = min(Int(length), 2 + Self.unixPathLimit)
                let path = end > 2 ? buffer[2..<end].prefix { $0 != 0 } : buffer[2..<2]
                return .unix(String(decoding: path, as: UTF8.self))
            default:
                return nil
            }
        }
        guard let address else { return nil }
        self = address
    }

    /// The address a socket is bound to (getsockname(2)).
    public static func local(of descriptor: Int32) throws(SystemError) -> SocketAddress {
        try query(descriptor, "getsockname", getsockname)
    }

    /// The address a socket is connected to (getpeername(2)).
    public static func remote(of descriptor: Int32) throws(SystemError) -> SocketAddress {
        try query(descriptor, "getpeername", getpeername)
    }

    private static func query(
        _ descriptor: Int32, _ call: String,
        _ function: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) throws(SystemError) -> SocketAddress {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { function(descriptor, $0, &length) }
        }
        try checked(result, call)
        guard let address = SocketAddress(storage, length: length) else {
            throw SystemError(errno: EAFNOSUPPORT, call: call)
        }
        return address
    }
}
