import CLinux
import Glibc
import Platform

/// One task's network namespace: a leg on each of its networks, and one on the gateway bridge.
struct Sandbox: Sendable {
    /// The leg on the gateway bridge, inside the sandbox.
    static let gatewayInterface = "gw0"

    let taskID: String
    let namespace: NetworkNamespace
    let host: Place

    /// A place on one network.
    struct Leg: Sendable, Equatable {
        var networkID: String
        /// The task's address with the network's prefix length.
        var address: IPv4Prefix
        /// Nil: the network was not described to this process yet; what is there is right, and new legs are as their bridge.
        var mtu: UInt32?
    }

    /// A place on the gateway bridge.
    struct GatewayLeg: Sendable, Equatable {
        var bridge: String
        /// The task's own address there.
        var address: IPv4Prefix
        /// The bridge's address: the default route.
        var gateway: IPv4Address
        var mtu: UInt32
    }

    /// What a look into the namespace shows.
    private struct Observation: Sendable {
        var links: [Link]
        var addresses: [LinkAddress]

        func link(with mac: MACAddress) -> Link? { links.first { $0.mac == mac && $0.kind == "veth" } }
    }

    /// Makes the namespace and all its legs, or finds them as they should be. Returns how much had to change, and whether
    /// the namespace was made just now.
    ///
    /// - Parameter segment: the segment of a network by its id.
    func reconcile(
        _ legs: [Leg], gateway: GatewayLeg?, segment: (String) throws -> Segment
    ) throws -> (changes: Int, isNew: Bool) {
        let isNew = try namespace.ensure()
        var changes = isNew ? 1 : 0
        let observed = try namespace.run { () throws -> Observation in
            if isNew { NamespaceSetting.prepareSandbox() }
            let route = try RouteSession()
            return Observation(links: try route.links(), addresses: try route.addresses())
        }
        var names = Set(observed.links.map(\.name))
        for leg in legs {
            let present = observed.link(with: MACAddress(derivedFrom: leg.address.address))
            changes += try ensure(leg, in: segment(leg.networkID), present: present, names: &names)
        }
        if let gateway {
            let present = observed.links.first { $0.name == Self.gatewayInterface }
            changes += try ensure(gateway, present: present)
        }
        return (try changes + settle(legs, gateway), isNew)
    }

    /// Makes the pair between a segment and the sandbox unless both its ends are there.
    private func ensure(
        _ leg: Leg, in segment: Segment, present: Link?, names: inout Set<String>
    ) throws -> Int {
        let port = NodeNetworkConfiguration.overlayPort(taskID)
        let mac = MACAddress(derivedFrom: leg.address.address)
        guard segment.namespace.exists else {
            throw OverlayError(.unknownNetwork, "network \(leg.networkID) is not on this node")
        }
        var interface = present?.name ?? ""
        if present == nil {
            var number = 0
            while names.contains("eth\(number)") { number += 1 }
            interface = "eth\(number)"
            names.insert(interface)
        }
        let namespace = namespace
        let name = interface
        return try segment.namespace.run {
            let route = try RouteSession()
            guard let bridge = try route.link(named: Segment.bridge) else {
                throw OverlayError(.kernelRefused, "the bridge of network \(leg.networkID) is gone")
            }
            var link = try route.link(named: port)
            var changes = 0
            if link == nil || present == nil {
                if let leftover = link { try route.perform(RouteSession.deleteLink(leftover)) }
                if present != nil { try Self.delete(name, in: namespace) }
                let target = try namespace.descriptor()
                try route.perform(
                    RouteSession.createVeth(
                        .init(name: port), .init(name: name, mac: mac, namespace: target.rawValue),
                        mtu: leg.mtu ?? bridge.mtu))
                link = try route.link(named: port)
                changes += 1
            }
            guard let link else { throw OverlayError(.kernelRefused, "interface \(port) is gone") }
            let requests = RouteSession.join(link, to: bridge, as: Segment.portOptions)
            // Set again where it is there already: cheaper than to look.
            let entry = ForwardingEntry(link: link.index, mac: mac, destination: nil, state: UInt16(NUD_NOARP))
            try route.perform(requests + [RouteSession.replaceForwardingEntry(entry)])
            return changes + (changes == 0 ? requests.count : 0)
        }
    }

    private func ensure(_ gateway: GatewayLeg, present: Link?) throws -> Int {
        let port = NodeNetworkConfiguration.gatewayPort(taskID)
        let namespace = namespace
        return try host.run {
            let route = try RouteSession()
            guard let bridge = try route.link(named: gateway.bridge) else {
                throw OverlayError(.kernelRefused, "gateway bridge \(gateway.bridge) is gone")
            }
            var link = try route.link(named: port)
            var changes = 0
            if link == nil || present == nil {
                if let leftover = link { try route.perform(RouteSession.deleteLink(leftover)) }
                if present != nil { try Self.delete(Self.gatewayInterface, in: namespace) }
                let target = try namespace.descriptor()
                try route.perform(
                    RouteSession.createVeth(
                        .init(name: port),
                        .init(
                            name: Self.gatewayInterface, mac: MACAddress(derivedFrom: gateway.address.address),
                            namespace: target.rawValue), mtu: gateway.mtu))
                link = try route.link(named: port)
                changes += 1
            }
            guard let link else { throw OverlayError(.kernelRefused, "interface \(port) is gone") }
            let requests = RouteSession.join(link, to: bridge, as: GatewayBridge.portOptions)
            try route.perform(requests)
            return changes + (changes == 0 ? requests.count : 0)
        }
    }

    /// Inside the sandbox: addresses, MTUs, the default route; interfaces of networks it has left are deleted.
    private func settle(_ legs: [Leg], _ gateway: GatewayLeg?) throws -> Int {
        try namespace.run {
            let route = try RouteSession()
            let links = try route.links()
            var changes = 0
            var kept: Set<Int32> = []
            for leg in legs {
                let mac = MACAddress(derivedFrom: leg.address.address)
                guard let link = links.first(where: { $0.mac == mac && $0.kind == "veth" }) else { continue }
                kept.insert(link.index)
                changes += try Segment.ensure(link, has: leg.address, mtu: leg.mtu ?? link.mtu, route)
            }
            let outward = links.first { $0.name == Self.gatewayInterface }
            if let gateway, let outward {
                kept.insert(outward.index)
                changes += try Segment.ensure(outward, has: gateway.address, mtu: gateway.mtu, route)
                let wanted = Route(
                    destination: IPv4Prefix(address: .any, length: 0), gateway: gateway.gateway, link: outward.index)
                if try !route.routes().contains(wanted) {
                    try route.perform(RouteSession.replaceRoute(wanted))
                    changes += 1
                }
            }
            // Only what looks like a leg: a container may make interfaces of its own, such as a daemon's inside it.
            let orphans = links.filter { $0.kind == "veth" && Self.isLeg($0.name) && !kept.contains($0.index) }
            try route.perform(orphans.map(RouteSession.deleteLink), ignoring: [ENODEV])
            return changes + orphans.count
        }
    }

    private static func isLeg(_ name: String) -> Bool {
        name == gatewayInterface || name.hasPrefix("eth") && name.dropFirst(3).allSatisfy(\.isNumber)
    }

    private static func delete(_ name: String, in namespace: NetworkNamespace) throws {
        try namespace.run {
            let route = try RouteSession()
            if let link = try route.link(named: name) { try route.perform(RouteSession.deleteLink(link)) }
        }
    }

    /// The address on the gateway bridge that the kernel says the sandbox has.
    func gatewayAddress() throws -> IPv4Prefix? {
        try namespace.run {
            let route = try RouteSession()
            guard let link = try route.link(named: Self.gatewayInterface) else { return nil }
            return try route.addresses().first { $0.link == link.index }?.prefix
        }
    }

    /// Makes a table be exactly this. Returns whether it had to change.
    func ensure(_ table: FilterTable) throws -> Bool {
        try namespace.run { try PacketFilter().ensure(table) }
    }

    /// Makes the services' rules be these. With `forgetsFlows`, the datagram flows to tasks that are no longer behind their
    /// service's address are forgotten; TCP connections are left to drain. Returns whether the rules had to change.
    ///
    /// - Parameter isKnown: this process made the rules that are there, and knows that these are others.
    func ensure(
        _ rules: FilterTable, of services: [IPv4Address: [IPv4Address]], isKnown: Bool, forgetsFlows: Bool
    ) throws -> Bool {
        try namespace.run {
            if isKnown {
                try PacketFilter().replace(rules)
            } else {
                guard try PacketFilter().ensure(rules) else { return false }
            }
            guard forgetsFlows else { return true }
            try ConntrackSession().forgetDatagramFlows { flow in
                services[flow.originalDestination].map { !$0.contains(flow.replySource) } ?? false
            }
            return true
        }
    }
}
