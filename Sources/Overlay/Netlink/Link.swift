import Platform

/// A network interface as a dump shows it.
struct Link: Sendable, Equatable {
    var index: Int32
    var name: String
    /// `bridge`, `vxlan`, `veth`; nil for physical ones and loopback.
    var kind: String?
    var mac: MACAddress?
    var mtu: UInt32
    var isUp: Bool
    /// Index of the bridge it is a port of.
    var master: Int32?
    var vxlan: VXLANParameters?
    var port: BridgePortOptions?
}

/// What a VXLAN device is made with and cannot change later.
struct VXLANParameters: Sendable, Equatable {
    /// 24 bits.
    var vni: UInt32
    /// The underlay address it sends from.
    var local: IPv4Address
    /// UDP destination port.
    var port: UInt16
}

/// How a bridge treats one of its ports (IFLA_BRPORT_*); nil leaves the kernel's setting.
struct BridgePortOptions: Sendable, Equatable {
    var learning: Bool?
    var unicastFlood: Bool?
    var multicastFlood: Bool?
    var isolated: Bool?
    var hairpin: Bool?

    /// True where every option set here has the same value there.
    func isSatisfied(by other: BridgePortOptions?) -> Bool {
        guard let other else { return false }
        func fits(_ path: KeyPath<BridgePortOptions, Bool?>) -> Bool {
            self[keyPath: path] == nil || self[keyPath: path] == other[keyPath: path]
        }
        return fits(\.learning) && fits(\.unicastFlood) && fits(\.multicastFlood) && fits(\.isolated)
            && fits(\.hairpin)
    }
}

/// An IPv4 address of an interface.
struct LinkAddress: Sendable, Hashable {
    var link: Int32
    var prefix: IPv4Prefix
}

/// An entry of the main routing table.
struct Route: Sendable, Hashable {
    /// Length 0 is the default route.
    var destination: IPv4Prefix
    var gateway: IPv4Address?
    var link: Int32?
}

/// A permanent neighbour entry: who has this address on this interface.
struct Neighbour: Sendable, Hashable {
    var link: Int32
    var address: IPv4Address
    var mac: MACAddress
    var isPermanent: Bool
}

/// An entry of a forwarding database: of a VXLAN device itself (`destination` set), or of the bridge for a port.
struct ForwardingEntry: Sendable, Hashable {
    var link: Int32
    var mac: MACAddress
    /// The tunnel endpoint behind which the address lives; nil in a bridge's own database.
    var destination: IPv4Address?
    /// NUD_* bits: a bridge's static entries have NUD_NOARP, a device's NUD_PERMANENT.
    var state: UInt16
}
