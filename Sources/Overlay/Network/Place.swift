import CLinux
import Glibc
import Platform

/// A network namespace to work in: one that is pinned, or the process's own.
struct Place: Sendable {
    let namespace: NetworkNamespace?

    func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) throws -> T {
        guard let namespace else { return try body() }
        return try namespace.run(body)
    }

    func run<T: Sendable>(timed phase: Phase, _ body: @escaping @Sendable () throws -> T) throws -> T {
        try phase.measure { try run(body) }
    }
}

extension NetworkNamespace {
    /// Makes the namespace unless it is there; a file that a killed process left without its mount is in the way of
    /// nothing. Returns whether it was made.
    func ensure() throws -> Bool {
        if exists { return false }
        if Files.exists(path) { try Files.unlink(path) }
        _ = try NetworkNamespace.create(at: path)
        return true
    }

    /// A descriptor that names the namespace to netlink.
    func descriptor() throws -> Descriptor { try Files.open(path, O_RDONLY) }
}

/// Kernel settings of the calling thread's namespace.
enum NamespaceSetting {
    /// Writes a file under /proc/sys/net unless it already says so.
    static func set(_ name: String, _ value: String) throws {
        let path = "/proc/sys/net/\(name)"
        if try Files.readText(path, limit: 64).split(separator: "\n").first == value[...] { return }
        try Files.writeControl(path, value)
    }

    // A kernel without IPv6, bridge filters or one of the other settings has no such file, and nothing to set.

    /// A sandbox: IPv6 off on interfaces made from now on, since addresses here are IPv4 (the loopback keeps `::1`); any
    /// user may bind any port and ping, as in containers elsewhere.
    static func prepareSandbox() {
        try? set("ipv6/conf/default/disable_ipv6", "1")
        try? set("ipv4/ip_unprivileged_port_start", "0")
        try? set("ipv4/ping_group_range", "0 2147483647")
    }

    /// A segment: IPv6 off; what asks for routers and neighbours is noise on an overlay. Bridged packets pass no IP hooks.
    static func prepareSegment() {
        try? set("ipv6/conf/default/disable_ipv6", "1")
        for protocolName in ["iptables", "ip6tables", "arptables"] {
            try? set("bridge/bridge-nf-call-\(protocolName)", "0")
        }
    }

    /// True while bridged packets pass through the iptables and nftables hooks of IP (br_netfilter).
    static var bridgedPacketsAreFiltered: Bool {
        let text = try? Files.readText("/proc/sys/net/bridge/bridge-nf-call-iptables", limit: 64)
        return text?.first == "1"
    }
}
