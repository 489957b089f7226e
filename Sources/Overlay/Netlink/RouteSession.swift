import CLinux
import Glibc
import Platform

/// Interfaces, addresses, routes, neighbours and forwarding entries of one namespace, over rtnetlink(7).
///
/// Each request is its own method; those that come in numbers are made as `NetlinkSession.Request` and sent together.
final class RouteSession {
    typealias Request = NetlinkSession.Request

    let session: NetlinkSession

    /// Opens a socket in the calling thread's namespace.
    convenience init() throws {
        self.init(NetlinkSession(try NetlinkSocket(family: NETLINK_ROUTE)))
    }

    init(_ session: NetlinkSession) {
        self.session = session
    }

    func perform(_ request: Request) throws { try session.perform(request) }

    /// Performs all and throws the first error that is not one of `ignoring`.
    func perform(_ requests: [Request], ignoring: Set<Int32> = []) throws {
        for case let error? in try session.perform(requests) where !ignoring.contains(error.errno) { throw error }
    }

    // MARK: Addresses

    func addresses() throws -> [LinkAddress] {
        let dump = Request(RTM_GETADDR, "list addresses") { Self.addressHeader(&$0, link: 0, length: 0) }
        return try session.dump(dump).compactMap { message in
            let attributes = try message.attributes(after: 8)
            guard message.type == UInt16(RTM_NEWADDR), message.payload.number(at: 0, as: UInt8.self) == UInt8(AF_INET),
                let address = attributes.address(IFA_LOCAL) ?? attributes.address(IFA_ADDRESS),
                let length: UInt8 = message.payload.number(at: 1), length <= 32,
                let link: UInt32 = message.payload.number(at: 4)
            else { return nil }
            return LinkAddress(
                link: Int32(truncatingIfNeeded: link), prefix: IPv4Prefix(address: address, length: Int(length)))
        }
    }

    static func addAddress(_ prefix: IPv4Prefix, to link: Int32) -> Request {
        Request(RTM_NEWADDR, flags: NLM_F_CREATE | NLM_F_REPLACE, "add address \(prefix)") {
            addressHeader(&$0, link: link, length: prefix.length)
            $0.content(IFA_LOCAL, prefix.address.bytes)
            $0.content(IFA_ADDRESS, prefix.address.bytes)
            $0.content(IFA_BROADCAST, prefix.broadcast.bytes)
        }
    }

    static func removeAddress(_ address: LinkAddress) -> Request {
        Request(RTM_DELADDR, "remove address \(address.prefix)") {
            addressHeader(&$0, link: address.link, length: address.prefix.length)
            $0.content(IFA_LOCAL, address.prefix.address.bytes)
        }
    }

    private static func addressHeader(_ writer: inout NetlinkWriter, link: Int32, length: Int) {
        writer.integer(UInt8(AF_INET))
        writer.integer(UInt8(truncatingIfNeeded: length))
        writer.integer(UInt16(0))
        writer.integer(link)
    }

    // MARK: Routes

    /// The unicast routes of the main table.
    func routes() throws -> [Route] {
        let dump = Request(RTM_GETROUTE, "list routes") {
            Self.routeHeader(&$0, length: 0, table: 0, scope: 0, type: 0)
        }
        return try session.dump(dump).compactMap { message in
            let attributes = try message.attributes(after: 12)
            guard message.type == UInt16(RTM_NEWROUTE), message.payload.number(at: 0, as: UInt8.self) == UInt8(AF_INET),
                message.payload.number(at: 4, as: UInt8.self) == UInt8(RT_TABLE_MAIN.rawValue),
                message.payload.number(at: 7, as: UInt8.self) == UInt8(RTN_UNICAST),
                let length: UInt8 = message.payload.number(at: 1), length <= 32
            else { return nil }
            let address = attributes.address(RTA_DST) ?? IPv4Address.any
            return Route(
                destination: IPv4Prefix(address: address, length: Int(length)),
                gateway: attributes.address(RTA_GATEWAY), link: attributes.number(RTA_OIF))
        }
    }

    static func replaceRoute(_ route: Route) -> Request {
        Request(RTM_NEWROUTE, flags: NLM_F_CREATE | NLM_F_REPLACE, "set route \(route.destination)") {
            let scope = route.gateway == nil ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE
            routeHeader(
                &$0, length: route.destination.length, table: UInt8(RT_TABLE_MAIN.rawValue),
                scope: UInt8(scope.rawValue), type: UInt8(RTN_UNICAST))
            if route.destination.length > 0 { $0.content(RTA_DST, route.destination.first.bytes) }
            if let gateway = route.gateway { $0.content(RTA_GATEWAY, gateway.bytes) }
            if let link = route.link { $0.value(RTA_OIF, link) }
        }
    }

    static func removeRoute(_ route: Route) -> Request {
        Request(RTM_DELROUTE, "remove route \(route.destination)") {
            routeHeader(
                &$0, length: route.destination.length, table: UInt8(RT_TABLE_MAIN.rawValue),
                scope: UInt8(RT_SCOPE_NOWHERE.rawValue), type: 0)
            if route.destination.length > 0 { $0.content(RTA_DST, route.destination.first.bytes) }
            if let gateway = route.gateway { $0.content(RTA_GATEWAY, gateway.bytes) }
            if let link = route.link { $0.value(RTA_OIF, link) }
        }
    }

    /// The interface that the kernel would send to `address` through, and the route's own MTU where it has one.
    func path(to address: IPv4Address) throws -> (link: Int32, mtu: UInt32?) {
        let request = Request(RTM_GETROUTE, "find the route to \(address)") {
            Self.routeHeader(&$0, length: 32, table: 0, scope: 0, type: 0)
            $0.content(RTA_DST, address.bytes)
        }
        let attributes = try session.get(request).attributes(after: 12)
        guard let link: Int32 = attributes.number(RTA_OIF) else {
            throw OverlayError(.malformedMessage, "the route to \(address) names no interface")
        }
        let metrics = try attributes.nested(RTA_METRICS)
        return (link, metrics?.number(RTAX_MTU))
    }

    private static func routeHeader(
        _ writer: inout NetlinkWriter, length: Int, table: UInt8, scope: UInt8, type: UInt8
    ) {
        let isRequestForChange = type != 0
        writer.integer(UInt8(AF_INET))
        writer.integer(UInt8(truncatingIfNeeded: length))
        writer.integer(UInt16(0))
        writer.integer(table)
        writer.integer(UInt8(isRequestForChange ? RTPROT_STATIC : 0))
        writer.integer(scope)
        writer.integer(type)
        writer.integer(UInt32(0))
    }

    // MARK: Neighbours and forwarding entries

    /// The IPv4 neighbour entries of one interface.
    func neighbours(of link: Int32) throws -> [Neighbour] {
        let dump = Request(RTM_GETNEIGH, "list neighbours") {
            Self.neighbourHeader(&$0, family: UInt8(AF_INET), link: 0, state: 0, flags: 0)
        }
        return try session.dump(dump).compactMap { message in
            let attributes = try message.attributes(after: 12)
            guard message.type == UInt16(RTM_NEWNEIGH), message.payload.number(at: 4) == link,
                let state: UInt16 = message.payload.number(at: 8), let address = attributes.address(NDA_DST),
                let mac = attributes[NDA_LLADDR].flatMap({ MACAddress(bytes: $0) })
            else { return nil }
            return Neighbour(
                link: link, address: address, mac: mac, isPermanent: state & UInt16(NUD_PERMANENT) != 0)
        }
    }

    static func replaceNeighbour(_ neighbour: Neighbour) -> Request {
        Request(RTM_NEWNEIGH, flags: NLM_F_CREATE | NLM_F_REPLACE, "set neighbour \(neighbour.address)") {
            neighbourHeader(
                &$0, family: UInt8(AF_INET), link: neighbour.link, state: UInt16(NUD_PERMANENT), flags: 0)
            $0.content(NDA_DST, neighbour.address.bytes)
            $0.content(NDA_LLADDR, neighbour.mac.bytes)
        }
    }

    static func removeNeighbour(_ neighbour: Neighbour) -> Request {
        Request(RTM_DELNEIGH, "remove neighbour \(neighbour.address)") {
            neighbourHeader(&$0, family: UInt8(AF_INET), link: neighbour.link, state: 0, flags: 0)
            $0.content(NDA_DST, neighbour.address.bytes)
        }
    }

    /// The unicast entries of the bridge's and the VXLAN device's databases, of every interface of the namespace, without
    /// those of single VLANs.
    func forwardingEntries() throws -> [ForwardingEntry] {
        let dump = Request(RTM_GETNEIGH, "list forwarding entries") {
            Self.neighbourHeader(&$0, family: UInt8(PF_BRIDGE), link: 0, state: 0, flags: 0)
        }
        return try session.dump(dump).compactMap { message in
            let attributes = try message.attributes(after: 12)
            guard message.type == UInt16(RTM_NEWNEIGH), attributes[NDA_VLAN] == nil,
                let link: Int32 = message.payload.number(at: 4), let state: UInt16 = message.payload.number(at: 8),
                let mac = attributes[NDA_LLADDR].flatMap({ MACAddress(bytes: $0) }), mac.value >> 40 & 1 == 0
            else { return nil }
            return ForwardingEntry(link: link, mac: mac, destination: attributes.address(NDA_DST), state: state)
        }
    }

    static func replaceForwardingEntry(_ entry: ForwardingEntry) -> Request {
        Request(RTM_NEWNEIGH, flags: NLM_F_CREATE | NLM_F_REPLACE, "set forwarding entry \(entry.mac)") {
            forwardingBody(&$0, entry)
        }
    }

    static func removeForwardingEntry(_ entry: ForwardingEntry) -> Request {
        Request(RTM_DELNEIGH, "remove forwarding entry \(entry.mac)") { forwardingBody(&$0, entry) }
    }

    private static func forwardingBody(_ writer: inout NetlinkWriter, _ entry: ForwardingEntry) {
        // The device's own database is NTF_SELF, the one of the bridge above it NTF_MASTER.
        let flags = entry.destination == nil ? NTF_MASTER : NTF_SELF
        neighbourHeader(
            &writer, family: UInt8(PF_BRIDGE), link: entry.link, state: entry.state, flags: UInt8(flags))
        writer.content(NDA_LLADDR, entry.mac.bytes)
        if let destination = entry.destination { writer.content(NDA_DST, destination.bytes) }
    }

    private static func neighbourHeader(
        _ writer: inout NetlinkWriter, family: UInt8, link: Int32, state: UInt16, flags: UInt8
    ) {
        writer.integer(family)
        writer.integer(UInt8(0))
        writer.integer(UInt16(0))
        writer.integer(link)
        writer.integer(state)
        writer.integer(flags)
        writer.integer(UInt8(0))
    }
}
