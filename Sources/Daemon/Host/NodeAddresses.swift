import Glibc
import HTTP
import Model
import Platform

/// Where other nodes reach this one.
struct NodeAddresses: Sendable, Equatable {
    /// The cluster port; the port of `listen` where none is said.
    var advertise: SocketAddress
    var dataPath: IPv4Address
    var dataPathPort: UInt16

    /// Takes what the request says, else the daemon's flags, else the source address of the route to `remote` (or, for a
    /// first node, the only address this host has).
    ///
    /// - Throws: `HTTPError` 400 where an address does not parse or the choice is not clear.
    init(
        configuration: DaemonConfiguration, advertise: String?, dataPath: String?, dataPathPort: UInt32?,
        towards remote: SocketAddress?
    ) throws {
        let port = configuration.listenAddress.port ?? 2377
        if let text = advertise, !text.isEmpty {
            self.advertise = try Self.address(text, port: port, what: "advertise address")
        } else if let configured = configuration.advertiseAddress {
            self.advertise = configured
        } else if case .ipv4(let listen, _) = configuration.listenAddress, listen != .any {
            self.advertise = configuration.listenAddress
        } else if let remote, let source = Self.source(towards: remote) {
            self.advertise = .ipv4(source, port)
        } else {
            self.advertise = .ipv4(try Self.onlyAddress(), port)
        }
        guard case .ipv4(let advertisedIP, let advertisedPort) = self.advertise, advertisedIP != .any,
            advertisedPort != 0
        else {
            throw HTTPError(
                .badRequest, "the advertise address must be an IPv4 address of this host, not \(self.advertise)")
        }
        if let text = dataPath, !text.isEmpty {
            guard let address = IPv4Address(text), address != .any else {
                throw HTTPError(.badRequest, "invalid data path address '\(text)': an IPv4 address is wanted")
            }
            self.dataPath = address
        } else {
            self.dataPath = configuration.dataPathAddress ?? advertisedIP
        }
        self.dataPathPort = configuration.dataPathPort
        if let wanted = dataPathPort, wanted != 0 {
            guard let value = UInt16(exactly: wanted), value >= 1024 else {
                throw HTTPError(.badRequest, "data path port \(wanted): must be between 1024 and 65535")
            }
            self.dataPathPort = value
        }
    }

    /// `IP`, `IP:PORT`, or the name of an interface.
    private static func address(_ text: String, port: UInt16, what: String) throws -> SocketAddress {
        if let address = SocketAddress.parse(text) { return address }
        if let ip = IPv4Address(text) { return .ipv4(ip, port) }
        if let ip = interfaceAddresses().first(where: { $0.interface == text })?.address { return .ipv4(ip, port) }
        throw HTTPError(
            .badRequest, "invalid \(what) '\(text)': an IPv4 address, IP:PORT or an interface's name is wanted")
    }

    private static func onlyAddress() throws -> IPv4Address {
        let candidates = interfaceAddresses().filter { !$0.address.isLoopback }
        if candidates.count == 1 { return candidates[0].address }
        let list = candidates.map { "\($0.address) on \($0.interface)" }.joined(separator: ", ")
        throw HTTPError(
            .badRequest,
            candidates.isEmpty
                ? "could not choose an IP address to advertise since this system has none; give it one"
                : "could not choose an IP address to advertise since this system has several (\(list)); "
                    + "specify one with --advertise-addr")
    }

    /// The address this host would speak from (a connected UDP socket sends nothing).
    private static func source(towards remote: SocketAddress) -> IPv4Address? {
        guard case .ipv4(let address, let port) = remote else { return nil }
        let number = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { return nil }
        let descriptor = Descriptor(owning: number)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = address.value.bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let found = withUnsafeMutableBytes(of: &name) { bytes -> Bool in
            guard let raw = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return false }
            return connect(descriptor.rawValue, raw, length) == 0 && getsockname(descriptor.rawValue, raw, &length) == 0
        }
        return found ? IPv4Address(value: UInt32(bigEndian: name.sin_addr.s_addr)) : nil
    }

    static func interfaceAddresses() -> [(interface: String, address: IPv4Address)] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var found: [(String, IPv4Address)] = []
        var entry = list
        while let current = entry {
            entry = current.pointee.ifa_next
            guard let raw = current.pointee.ifa_addr, raw.pointee.sa_family == sa_family_t(AF_INET),
                current.pointee.ifa_flags & UInt32(IFF_UP) != 0
            else { continue }
            let name = UnsafeRawPointer(raw).loadUnaligned(as: sockaddr_in.self)
            found.append(
                (String(cString: current.pointee.ifa_name), IPv4Address(value: UInt32(bigEndian: name.sin_addr.s_addr)))
            )
        }
        return found
    }
}
