import Platform

/// The instructions of the nf_tables machine that Martlet's rules are made of (<linux/netfilter/nf_tables.h>).
///
/// Registers are the kernel's: 1 to 4 of 16 bytes, 8 to 23 of 4 bytes over the same memory; 0 is the verdict.
enum FilterExpression: Sendable, Hashable {
    enum PayloadBase: UInt32, Sendable {
        case network = 1
        case transport = 2
    }

    enum MetaKey: UInt32, Sendable {
        case inputInterfaceName = 6
        case outputInterfaceName = 7
        case transportProtocol = 16
    }

    enum ConntrackKey: UInt32, Sendable {
        case state = 0
        case status = 2
    }

    enum Choice: UInt32, Sendable {
        case inTurn = 0
        case random = 1
    }

    enum Rejection: Sendable, Hashable {
        case portUnreachable
        case hostUnreachable
        case tcpReset
    }

    case payload(PayloadBase, offset: UInt32, length: UInt32, into: UInt32)
    case meta(MetaKey, into: UInt32)
    case conntrack(ConntrackKey, into: UInt32)
    /// The type of the destination address (RTN_LOCAL, ...) by the routing table.
    case destinationAddressType(into: UInt32)
    case bitwiseAnd(register: UInt32, mask: [UInt8])
    case compare(register: UInt32, equal: Bool, [UInt8])
    case immediate(register: UInt32, [UInt8])
    case verdict(FilterTable.Verdict)
    /// Looks a register up in a named verdict map.
    case verdictMap(String, register: UInt32)
    /// A number below `modulus`, in host byte order.
    case choose(Choice, modulus: UInt32, into: UInt32)
    /// Replaces a chosen number by the address with that index.
    case pickAddress([IPv4Address], register: UInt32)
    case destinationTranslation(address: UInt32, port: UInt32?)
    case sourceTranslation(address: UInt32)
    case masquerade
    case reject(Rejection)
    case notrack
    case counter
}

/// Rules are written with these: each is the few instructions that one phrase of `nft` syntax stands for.
extension [FilterExpression] {
    static func destination(in prefix: IPv4Prefix) -> Self { address(prefix, offset: 16, equal: true) }
    static func destination(_ address: IPv4Address) -> Self {
        destination(in: IPv4Prefix(address: address, length: 32))
    }
    static func source(in prefix: IPv4Prefix) -> Self { address(prefix, offset: 12, equal: true) }
    static func source(notIn prefix: IPv4Prefix) -> Self { address(prefix, offset: 12, equal: false) }

    private static func address(_ prefix: IPv4Prefix, offset: UInt32, equal: Bool) -> Self {
        var expressions: Self = [.payload(.network, offset: offset, length: 4, into: 1)]
        if prefix.length < 32 { expressions.append(.bitwiseAnd(register: 1, mask: prefix.mask.bytes)) }
        return expressions + [.compare(register: 1, equal: equal, prefix.first.bytes)]
    }

    static func transport(_ number: UInt8) -> Self {
        [.meta(.transportProtocol, into: 1), .compare(register: 1, equal: true, [number])]
    }

    static func transport(_ number: UInt8, destinationPort: UInt16) -> Self {
        transport(number) + [
            .payload(.transport, offset: 2, length: 2, into: 1),
            .compare(
                register: 1, equal: true,
                [UInt8(truncatingIfNeeded: destinationPort >> 8), UInt8(truncatingIfNeeded: destinationPort)]),
        ]
    }

    static func input(_ interface: String) -> Self { named(.inputInterfaceName, interface, equal: true) }
    static func output(_ interface: String) -> Self { named(.outputInterfaceName, interface, equal: true) }
    static func output(not interface: String) -> Self { named(.outputInterfaceName, interface, equal: false) }

    private static func named(_ key: FilterExpression.MetaKey, _ name: String, equal: Bool) -> Self {
        let padded = [UInt8](name.utf8.prefix(15)) + [UInt8](repeating: 0, count: 16 - Swift.min(name.utf8.count, 15))
        return [.meta(key, into: 1), .compare(register: 1, equal: equal, padded)]
    }

    /// The destination is one of this host's own addresses.
    static var destinationIsLocal: Self {
        [.destinationAddressType(into: 1), .compare(register: 1, equal: true, hostOrder(2))]
    }

    static var isNewConnection: Self { bits(.state, 1 << 3, set: true) }
    static var isDestinationTranslated: Self { bits(.status, 1 << 5, set: true) }
    static var isNotDestinationTranslated: Self { bits(.status, 1 << 5, set: false) }

    private static func bits(_ key: FilterExpression.ConntrackKey, _ mask: UInt32, set: Bool) -> Self {
        [
            .conntrack(key, into: 1), .bitwiseAnd(register: 1, mask: hostOrder(mask)),
            .compare(register: 1, equal: !set, hostOrder(0)),
        ]
    }

    /// Sends new connections to one of the addresses in turn, to another port where one is given.
    ///
    /// - Precondition: there is at least one address.
    static func translateDestination(toOneOf addresses: [IPv4Address], port: UInt16? = nil) -> Self {
        precondition(!addresses.isEmpty)
        var expressions: Self
        if addresses.count == 1 {
            expressions = [.immediate(register: 1, addresses[0].bytes)]
        } else {
            expressions = [
                .choose(.inTurn, modulus: UInt32(addresses.count), into: 1), .pickAddress(addresses, register: 1),
            ]
        }
        if let port {
            let bytes = [UInt8(truncatingIfNeeded: port >> 8), UInt8(truncatingIfNeeded: port)]
            expressions.append(.immediate(register: 2, bytes))
        }
        return expressions + [.destinationTranslation(address: 1, port: port == nil ? nil : 2)]
    }

    static func translateSource(to address: IPv4Address) -> Self {
        [.immediate(register: 1, address.bytes), .sourceTranslation(address: 1)]
    }

    static func hostOrder(_ number: UInt32) -> [UInt8] {
        Swift.withUnsafeBytes(of: number) { [UInt8]($0) }
    }
}
