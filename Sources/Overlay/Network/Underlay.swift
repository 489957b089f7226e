import Platform

/// What lies below the overlays: how large a packet may be on the way to the peers.
enum Underlay {
    /// Outer IPv4, UDP and VXLAN headers and the inner Ethernet header (RFC 7348).
    static let overhead: UInt32 = 50
    static let smallestMTU: UInt32 = 576
    static let largestMTU: UInt32 = 65_485

    /// The MTU of overlays: the smallest on the routes to the peers, or of the interface with this node's own address
    /// while there are none, less the headers. Runs in the calling thread's namespace.
    static func overlayMTU(from own: IPv4Address, to peers: Set<IPv4Address>) throws -> UInt32 {
        let route = try RouteSession()
        var mtus: [Int32: UInt32] = [:]
        for link in try route.links() { mtus[link.index] = link.mtu }
        var smallest: UInt32?
        for peer in peers where peer != own {
            // An unreachable peer says nothing of the size of packets.
            guard let (link, mtu) = try? route.path(to: peer), let device = mtus[link] else { continue }
            smallest = min(smallest ?? .max, min(mtu ?? device, device))
        }
        if smallest == nil, let link = try route.addresses().first(where: { $0.prefix.address == own })?.link {
            smallest = mtus[link]
        }
        return min(max((smallest ?? 1500), smallestMTU + overhead) - overhead, largestMTU)
    }
}
