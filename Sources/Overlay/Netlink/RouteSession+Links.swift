import CLinux
import Glibc
import Platform

extension RouteSession {
    /// Every interface of the namespace.
    func links() throws -> [Link] {
        let dump = Request(RTM_GETLINK, "list interfaces") {
            Self.linkHeader(&$0, index: 0)
            $0.value(IFLA_EXT_MASK, UInt32(RTEXT_FILTER_SKIP_STATS))
        }
        return try session.dump(dump).compactMap(Self.link)
    }

    /// Nil where there is none of that name.
    func link(named name: String) throws -> Link? {
        let request = Request(RTM_GETLINK, "find interface \(name)") {
            Self.linkHeader(&$0, index: 0)
            $0.value(IFLA_EXT_MASK, UInt32(RTEXT_FILTER_SKIP_STATS))
            $0.text(IFLA_IFNAME, name)
        }
        do {
            return try Self.link(session.get(request))
        } catch let error as OverlayError where error.errno == ENODEV {
            return nil
        }
    }

    static func createBridge(_ name: String, mac: MACAddress, mtu: UInt32) -> Request {
        create("bridge \(name)") {
            $0.text(IFLA_IFNAME, name)
            // Without an address of its own a bridge takes its ports' lowest, and changes it as ports come and go.
            $0.content(IFLA_ADDRESS, mac.bytes)
            $0.value(IFLA_MTU, mtu)
            $0.nest(IFLA_LINKINFO) { $0.text(IFLA_INFO_KIND, "bridge") }
        }
    }

    /// Makes a VXLAN device in another namespace; its underlay socket is opened in this session's.
    static func createVXLAN(
        _ name: String, _ parameters: VXLANParameters, mtu: UInt32, inNamespace descriptor: Int32
    ) -> Request {
        create("VXLAN device \(name) with VNI \(parameters.vni)") {
            $0.text(IFLA_IFNAME, name)
            $0.value(IFLA_MTU, mtu)
            $0.value(IFLA_NET_NS_FD, UInt32(bitPattern: descriptor))
            $0.nest(IFLA_LINKINFO) {
                $0.text(IFLA_INFO_KIND, "vxlan")
                $0.nest(IFLA_INFO_DATA) {
                    $0.value(IFLA_VXLAN_ID, parameters.vni)
                    $0.content(IFLA_VXLAN_LOCAL, parameters.local.bytes)
                    $0.value(IFLA_VXLAN_PORT, parameters.port.bigEndian)
                    $0.value(IFLA_VXLAN_LEARNING, UInt8(0))
                    $0.value(IFLA_VXLAN_PROXY, UInt8(1))
                }
            }
        }
    }

    /// One end of a veth pair.
    struct VethEnd {
        var name: String
        var mac: MACAddress?
        /// Nil: the session's own namespace.
        var namespace: Int32?
    }

    static func createVeth(_ near: VethEnd, _ far: VethEnd, mtu: UInt32) -> Request {
        func describe(_ writer: inout NetlinkWriter, _ end: VethEnd) {
            writer.text(IFLA_IFNAME, end.name)
            writer.value(IFLA_MTU, mtu)
            if let mac = end.mac { writer.content(IFLA_ADDRESS, mac.bytes) }
            if let namespace = end.namespace { writer.value(IFLA_NET_NS_FD, UInt32(bitPattern: namespace)) }
        }
        return create("veth pair \(near.name), \(far.name)") {
            describe(&$0, near)
            $0.nest(IFLA_LINKINFO) {
                $0.text(IFLA_INFO_KIND, "veth")
                $0.nest(IFLA_INFO_DATA) {
                    $0.nest(VETH_INFO_PEER) {
                        linkHeader(&$0, index: 0)
                        describe(&$0, far)
                    }
                }
            }
        }
    }

    private static func create(_ what: String, _ body: @escaping (inout NetlinkWriter) -> Void) -> Request {
        Request(RTM_NEWLINK, flags: NLM_F_CREATE | NLM_F_EXCL, "create \(what)") {
            linkHeader(&$0, index: 0)
            body(&$0)
        }
    }

    static func setUp(_ index: Int32) -> Request {
        Request(RTM_NEWLINK, "set interface \(index) up") {
            linkHeader(&$0, index: index, flags: UInt32(IFF_UP), change: UInt32(IFF_UP))
        }
    }

    static func setDown(_ index: Int32) -> Request {
        Request(RTM_NEWLINK, "set interface \(index) down") {
            linkHeader(&$0, index: index, flags: 0, change: UInt32(IFF_UP))
        }
    }

    static func setMTU(_ index: Int32, _ mtu: UInt32) -> Request {
        Request(RTM_NEWLINK, "set interface \(index) mtu \(mtu)") {
            linkHeader(&$0, index: index)
            $0.value(IFLA_MTU, mtu)
        }
    }

    static func setMaster(_ index: Int32, _ master: Int32) -> Request {
        Request(RTM_NEWLINK, "make interface \(index) a port of \(master)") {
            linkHeader(&$0, index: index)
            $0.value(IFLA_MASTER, master)
        }
    }

    static func setAddress(_ index: Int32, _ mac: MACAddress) -> Request {
        Request(RTM_NEWLINK, "set interface \(index) address \(mac)") {
            linkHeader(&$0, index: index)
            $0.content(IFLA_ADDRESS, mac.bytes)
        }
    }

    static func rename(_ index: Int32, _ name: String) -> Request {
        Request(RTM_NEWLINK, "rename interface \(index) to \(name)") {
            linkHeader(&$0, index: index)
            $0.text(IFLA_IFNAME, name)
        }
    }

    static func move(_ index: Int32, toNamespace descriptor: Int32) -> Request {
        Request(RTM_NEWLINK, "move interface \(index)") {
            linkHeader(&$0, index: index)
            $0.value(IFLA_NET_NS_FD, UInt32(bitPattern: descriptor))
        }
    }

    static func setPort(_ index: Int32, _ options: BridgePortOptions) -> Request {
        Request(RTM_SETLINK, "set bridge port \(index)") {
            linkHeader(&$0, index: index, family: UInt8(AF_BRIDGE))
            $0.nest(IFLA_PROTINFO) { writer in
                func put(_ type: some BinaryInteger, _ value: Bool?) {
                    if let value { writer.value(type, UInt8(value ? 1 : 0)) }
                }
                put(IFLA_BRPORT_LEARNING, options.learning)
                put(IFLA_BRPORT_UNICAST_FLOOD, options.unicastFlood)
                put(IFLA_BRPORT_MCAST_FLOOD, options.multicastFlood)
                put(IFLA_BRPORT_ISOLATED, options.isolated)
                put(IFLA_BRPORT_MODE, options.hairpin)
            }
        }
    }

    /// What makes an interface a port of a bridge with these options, and up; nothing where it is.
    static func join(_ link: Link, to bridge: Link, as options: BridgePortOptions) -> [Request] {
        var requests: [Request] = []
        let isPort = link.master == bridge.index
        if !isPort { requests.append(setMaster(link.index, bridge.index)) }
        if !isPort || !options.isSatisfied(by: link.port) { requests.append(setPort(link.index, options)) }
        if !link.isUp { requests.append(setUp(link.index)) }
        return requests
    }

    static func deleteLink(_ link: Link) -> Request {
        Request(RTM_DELLINK, "delete interface \(link.name)") { linkHeader(&$0, index: link.index) }
    }

    private static func linkHeader(
        _ writer: inout NetlinkWriter, index: Int32, family: UInt8 = 0, flags: UInt32 = 0, change: UInt32 = 0
    ) {
        writer.integer(family)
        writer.integer(UInt8(0))
        writer.integer(UInt16(0))
        writer.integer(index)
        writer.integer(flags)
        writer.integer(change)
    }

    private static func link(_ message: NetlinkMessage) throws -> Link? {
        let attributes = try message.attributes(after: 16)
        guard message.type == UInt16(RTM_NEWLINK), let index: Int32 = message.payload.number(at: 4),
            let flags: UInt32 = message.payload.number(at: 8), let name = attributes.text(IFLA_IFNAME)
        else { return nil }
        let details = try attributes.nested(IFLA_LINKINFO)
        let kind = details?.text(IFLA_INFO_KIND)
        return Link(
            index: index, name: name, kind: kind, mac: attributes[IFLA_ADDRESS].flatMap { MACAddress(bytes: $0) },
            mtu: attributes.number(IFLA_MTU) ?? 0, isUp: flags & UInt32(IFF_UP) != 0,
            master: attributes.number(IFLA_MASTER),
            vxlan: kind == "vxlan" ? try details?.nested(IFLA_INFO_DATA).flatMap(vxlan) : nil,
            port: details?.text(IFLA_INFO_SLAVE_KIND) == "bridge"
                ? try details?.nested(IFLA_INFO_SLAVE_DATA).map(port) : nil)
    }

    private static func vxlan(_ attributes: NetlinkAttributes) -> VXLANParameters? {
        guard let vni: UInt32 = attributes.number(IFLA_VXLAN_ID), let port: UInt16 = attributes.number(IFLA_VXLAN_PORT)
        else { return nil }
        let local = attributes.address(IFLA_VXLAN_LOCAL) ?? IPv4Address.any
        return VXLANParameters(vni: vni, local: local, port: UInt16(bigEndian: port))
    }

    private static func port(_ attributes: NetlinkAttributes) -> BridgePortOptions {
        func flag(_ type: some BinaryInteger) -> Bool? { attributes.number(type, as: UInt8.self).map { $0 != 0 } }
        return BridgePortOptions(
            learning: flag(IFLA_BRPORT_LEARNING), unicastFlood: flag(IFLA_BRPORT_UNICAST_FLOOD),
            multicastFlood: flag(IFLA_BRPORT_MCAST_FLOOD), isolated: flag(IFLA_BRPORT_ISOLATED),
            hairpin: flag(IFLA_BRPORT_MODE))
    }
}
