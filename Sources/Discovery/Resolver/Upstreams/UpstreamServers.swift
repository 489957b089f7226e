public import Platform

/// The servers that names of others are asked of: those of the host, in their order.
public struct UpstreamServers: Sendable, Equatable {
    /// More `nameserver` lines than these are not looked at.
    static let maximumCount = 8
    /// The file that the host's own programs read.
    public static let hostFile = "/etc/resolv.conf"

    public let servers: [SocketAddress]

    public init(_ servers: [SocketAddress]) {
        self.servers = Array(servers.prefix(UpstreamServers.maximumCount))
    }

    /// Reads the `nameserver` lines of a resolv.conf(5).
    public init(resolvConf text: String) {
        var servers: [SocketAddress] = []
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: \.isWhitespace)
            guard words.count >= 2, words[0] == "nameserver" else { continue }
            // A zone index (`fe80::1%eth0`) would need a scope to connect to.
            if let address = IPv4Address(words[1]) {
                servers.append(.ipv4(address, 53))
            } else if let address = IPv6Address(String(words[1])) {
                servers.append(.ipv6(address, 53))
            }
        }
        self.init(servers)
    }
}
