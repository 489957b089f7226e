import CLinux
import Glibc
import Platform

/// The node's own bridge: every sandbox has a leg on it, which is its default route, its way out and the way in for
/// published ports of tasks on this node.
struct GatewayBridge: Sendable {
    /// The bridge's address within its subnet.
    let address: IPv4Prefix
    let mtu: UInt32

    /// Makes the bridge, or finds the one that an earlier process made and keeps its subnet. Runs in the host's namespace.
    ///
    /// - Parameter pool: where a new bridge's subnet comes from; subnets that the host has routes to are passed over.
    static func ensure(
        _ name: String, pool: SubnetPool, underlay: IPv4Address
    ) throws -> (bridge: GatewayBridge, changes: Int) {
        let route = try RouteSession()
        let mtu = try Underlay.overlayMTU(from: underlay, to: []) + Underlay.overhead
        var changes = 0
        var link = try route.link(named: name)
        let addresses = try route.addresses()
        let held = addresses.first { $0.link == link?.index }?.prefix
        let address: IPv4Prefix
        if let held {
            address = held
        } else {
            var pool = pool
            let taken = try route.routes().map(\.destination).filter { $0.length > 0 } + addresses.map(\.prefix)
            let subnet = try pool.allocate(avoiding: taken)
            address = IPv4Prefix(address: subnet.first.advanced(by: 1), length: subnet.length)
        }
        if link == nil {
            try route.perform(
                RouteSession.createBridge(name, mac: MACAddress(derivedFrom: address.address), mtu: mtu))
            link = try route.link(named: name)
            changes += 1
        }
        guard let link else { throw OverlayError(.kernelRefused, "bridge \(name) is gone") }
        changes += try Segment.ensure(link, has: address, mtu: mtu, route)
        try NamespaceSetting.set("ipv4/ip_forward", "1")
        // A connection to 127.0.0.1 on this host is translated to go out here; HostRules keeps others from using it.
        try NamespaceSetting.set("ipv4/conf/\(name)/route_localnet", "1")
        changes += try ensurePorts(of: link, route)
        return (GatewayBridge(address: address, mtu: mtu), changes)
    }

    /// How the ports keep sandboxes apart from each other.
    ///
    /// Without br_netfilter the bridge itself does. With it, a packet for a published port is translated while still on
    /// the bridge and must go out of another port, or of the same one; the rules for forwarded packets keep them apart.
    static var portOptions: BridgePortOptions {
        let filtered = NamespaceSetting.bridgedPacketsAreFiltered
        return BridgePortOptions(isolated: !filtered, hairpin: filtered)
    }

    private static func ensurePorts(of bridge: Link, _ route: RouteSession) throws -> Int {
        let options = portOptions
        let requests = try route.links()
            .filter { $0.master == bridge.index && !options.isSatisfied(by: $0.port) }
            .map { RouteSession.setPort($0.index, options) }
        try route.perform(requests, ignoring: [ENODEV])
        return requests.count
    }

    /// Deletes the ports of tasks that have no sandbox here any more. Returns how many. Runs in the host's namespace.
    static func removePorts(of name: String, except kept: Set<String>) throws -> Int {
        let route = try RouteSession()
        guard let bridge = try route.link(named: name) else { return 0 }
        let orphans = try route.links().filter { $0.master == bridge.index && !kept.contains($0.name) }
        try route.perform(orphans.map(RouteSession.deleteLink), ignoring: [ENODEV])
        return orphans.count
    }

    /// The interfaces of the host's namespace that are this node's, and their removal when the node leaves the cluster.
    static func removeInterfaces(_ names: [String]) throws {
        let route = try RouteSession()
        for name in names {
            guard let link = try route.link(named: name) else { continue }
            try route.perform([RouteSession.deleteLink(link)], ignoring: [ENODEV])
        }
    }
}
