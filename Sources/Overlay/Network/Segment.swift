import CLinux
import Glibc
import Platform

/// One overlay network's part on this node: a namespace of its own with a bridge and a VXLAN device, whose underlay socket
/// stays in the host's namespace.
///
/// Nothing is learnt and nothing is flooded: forwarding and neighbour entries are the managers' state, written down.
struct Segment: Sendable {
    static let bridge = "br0"
    static let tunnel = "vxlan0"
    /// The port of the host's own leg, on the ingress network.
    static let nodePort = "node0"
    /// For how long a namespace that was just let go may still hold on to its VNI.
    private static let vniRetries = 100
    private static let vniRetryMicroseconds: UInt32 = 20_000

    let namespace: NetworkNamespace
    let host: Place

    /// What the segment should be.
    struct Desire: Sendable, Equatable {
        var tunnel: VXLANParameters
        /// The bridge's address, the same on every node.
        var gateway: IPv4Prefix
        var mtu: UInt32
        var remotes: [IPv4Address: IPv4Address]
        /// Names of bridge ports whose tenants are known, with the tenants' addresses.
        var ports: [String: IPv4Address]
        var nodeLeg: NodeLeg?
    }

    /// The host's own leg: an interface in the host's namespace with an address on the network.
    struct NodeLeg: Sendable, Equatable {
        var interface: String
        var address: IPv4Prefix
    }

    private static let tunnelOptions = BridgePortOptions(learning: false, unicastFlood: false, multicastFlood: false)
    static let portOptions = BridgePortOptions(learning: false, unicastFlood: false)

    /// Makes the kernel hold what is desired.
    ///
    /// - Parameter known: what this process made before; differences in it are repairs, all others are news.
    func reconcile(_ desire: Desire, known: Desire?) throws -> NetworkReport {
        var report = NetworkReport()
        var changes = 0
        if try namespace.ensure() { changes += 1 }
        changes += try ensureTunnel(desire)
        changes += try ensureInside(desire)
        if let leg = desire.nodeLeg { changes += try ensureNodeLeg(leg, mtu: desire.mtu) }
        if known == desire { report.repaired += changes } else { report.created += changes }
        let (set, removed) = try reconcileTables(desire)
        if known == desire {
            report.repaired += set + removed
        } else {
            report.created += set
            report.removed += removed
        }
        return report
    }

    /// Makes the VXLAN device, in the host's namespace and at once into the segment's, so that a process killed in between
    /// leaves nothing half done.
    private func ensureTunnel(_ desire: Desire) throws -> Int {
        let namespace = namespace
        let isThere = try namespace.run { () throws -> Bool in
            let route = try RouteSession()
            NamespaceSetting.prepareSegment()
            guard let link = try route.link(named: Self.tunnel) else { return false }
            if link.vxlan == desire.tunnel { return true }
            try route.perform(RouteSession.deleteLink(link))
            return false
        }
        if isThere { return 0 }
        try host.run {
            let route = try RouteSession()
            let target = try namespace.descriptor()
            let request = RouteSession.createVXLAN(
                Self.tunnel, desire.tunnel, mtu: desire.mtu, inNamespace: target.rawValue)
            for attempt in 0... {
                do {
                    return try route.perform(request)
                } catch let error as OverlayError where error.errno == EEXIST && attempt < Self.vniRetries {
                    // The kernel takes namespaces apart in the background; until then the VNI is taken.
                    usleep(Self.vniRetryMicroseconds)
                }
            }
        }
        return 1
    }

    private func ensureInside(_ desire: Desire) throws -> Int {
        try namespace.run {
            let route = try RouteSession()
            var changes = 0
            if try route.link(named: Self.bridge) == nil {
                try route.perform(
                    RouteSession.createBridge(
                        Self.bridge, mac: MACAddress(derivedFrom: desire.gateway.address), mtu: desire.mtu))
                changes += 1
            }
            let links = try route.links()
            guard let bridge = links.first(where: { $0.name == Self.bridge }),
                let tunnel = links.first(where: { $0.name == Self.tunnel })
            else {
                throw OverlayError(.kernelRefused, "the bridge or the VXLAN device of \(namespace.path) is gone")
            }
            let ports = links.filter { $0.name.hasPrefix("mo") || $0.name == Self.nodePort }
            var requests = RouteSession.join(tunnel, to: bridge, as: Self.tunnelOptions)
            for port in ports { requests += RouteSession.join(port, to: bridge, as: Self.portOptions) }
            if !bridge.isUp { requests.append(RouteSession.setUp(bridge.index)) }
            for link in [tunnel, bridge] + ports {
                if link.mtu != desire.mtu { requests.append(RouteSession.setMTU(link.index, desire.mtu)) }
            }
            let addresses = try route.addresses().filter { $0.link == bridge.index }
            if !addresses.contains(where: { $0.prefix == desire.gateway }) {
                requests.append(RouteSession.addAddress(desire.gateway, to: bridge.index))
            }
            requests += addresses.filter { $0.prefix != desire.gateway }.map(RouteSession.removeAddress)
            try route.perform(requests)
            return changes + requests.count
        }
    }

    private func ensureNodeLeg(_ leg: NodeLeg, mtu: UInt32) throws -> Int {
        let namespace = namespace
        let mac = MACAddress(derivedFrom: leg.address.address)
        let hasPort = try namespace.run { try RouteSession().link(named: Self.nodePort) != nil }
        var changes = try host.run { () throws -> Int in
            let route = try RouteSession()
            var changes = 0
            var link = try route.link(named: leg.interface)
            if let old = link, !hasPort || old.mac != mac {
                try route.perform(RouteSession.deleteLink(old))
                link = nil
            }
            if link == nil {
                let target = try namespace.descriptor()
                try route.perform(
                    RouteSession.createVeth(
                        .init(name: leg.interface, mac: mac),
                        .init(name: Self.nodePort, namespace: target.rawValue), mtu: mtu))
                link = try route.link(named: leg.interface)
                changes += 1
            }
            guard let link else { throw OverlayError(.kernelRefused, "interface \(leg.interface) is gone") }
            changes += try Self.ensure(link, has: leg.address, mtu: mtu, route)
            // A connection to 127.0.0.1 on this host may be translated to go out here.
            try NamespaceSetting.set("ipv4/conf/\(leg.interface)/route_localnet", "1")
            return changes
        }
        if changes > 0 {
            changes += try namespace.run { () throws -> Int in
                let route = try RouteSession()
                guard let port = try route.link(named: Self.nodePort), let bridge = try route.link(named: Self.bridge)
                else { return 0 }
                try route.perform(RouteSession.join(port, to: bridge, as: Self.portOptions))
                return 0
            }
        }
        return changes
    }

    /// Gives an interface exactly one address, its MTU, and sets it up. Returns how much had to change.
    static func ensure(_ link: Link, has prefix: IPv4Prefix, mtu: UInt32, _ route: RouteSession) throws -> Int {
        let addresses = try route.addresses().filter { $0.link == link.index }
        var requests: [RouteSession.Request] = []
        if link.mtu != mtu { requests.append(RouteSession.setMTU(link.index, mtu)) }
        if !addresses.contains(where: { $0.prefix == prefix }) {
            requests.append(RouteSession.addAddress(prefix, to: link.index))
        }
        requests += addresses.filter { $0.prefix != prefix }.map(RouteSession.removeAddress)
        if !link.isUp { requests.append(RouteSession.setUp(link.index)) }
        try route.perform(requests)
        return requests.count
    }

    private func reconcileTables(_ desire: Desire) throws -> (set: Int, removed: Int) {
        try namespace.run {
            let route = try RouteSession()
            let links = try route.links()
            guard let tunnel = links.first(where: { $0.name == Self.tunnel }) else {
                throw OverlayError(.kernelRefused, "the VXLAN device of \(namespace.path) is gone")
            }
            var ports: [Int32: IPv4Address] = [:]
            for link in links {
                if let address = desire.ports[link.name] { ports[link.index] = address }
                if link.name == Self.nodePort { ports[link.index] = desire.nodeLeg?.address.address }
            }
            let plan = ForwardingPlan(tunnel: tunnel.index, remotes: desire.remotes, ports: ports)
            let changes = plan.changes(
                neighbours: try route.neighbours(of: tunnel.index), entries: try route.forwardingEntries())
            try route.perform(
                changes.neighboursToRemove.map(RouteSession.removeNeighbour)
                    + changes.entriesToRemove.map(RouteSession.removeForwardingEntry), ignoring: [ENOENT])
            try route.perform(
                changes.entriesToSet.map(RouteSession.replaceForwardingEntry)
                    + changes.neighboursToSet.map(RouteSession.replaceNeighbour))
            return (
                changes.neighboursToSet.count + changes.entriesToSet.count,
                changes.neighboursToRemove.count + changes.entriesToRemove.count
            )
        }
    }

    /// Deletes the ports of tasks that have no sandbox here any more. Returns how many.
    func removePorts(except kept: Set<String>) throws -> Int {
        guard namespace.exists else { return 0 }
        return try namespace.run {
            let route = try RouteSession()
            let orphans = try route.links().filter { $0.name.hasPrefix("mo") && !kept.contains($0.name) }
            try route.perform(orphans.map(RouteSession.deleteLink), ignoring: [ENODEV])
            return orphans.count
        }
    }

    /// The names of the ports that lead to sandboxes.
    func portNames() throws -> Set<String> {
        guard namespace.exists else { return [] }
        return try namespace.run { Set(try RouteSession().links().map(\.name).filter { $0.hasPrefix("mo") }) }
    }

    /// Takes the whole segment away.
    func remove() throws {
        if namespace.exists {
            try namespace.run {
                let route = try RouteSession()
                let ours = try route.links().filter { $0.kind == "vxlan" || $0.kind == "bridge" || $0.kind == "veth" }
                try route.perform(ours.map(RouteSession.deleteLink), ignoring: [ENODEV])
            }
        }
        try namespace.remove()
    }
}
