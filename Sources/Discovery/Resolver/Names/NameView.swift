import Platform

/// The names that one sandbox sees. Names are compared without regard to case.
public struct NameView: Sendable {
    let networks: [NameTable.Network]

    /// What is known of a name.
    enum Resolution: Equatable {
        /// It is one of ours; either list may be empty.
        case addresses(NameTable.Addresses)
        case pointer(DomainName)
        /// Within what is ours, and there is no such name.
        case absent
        /// Somebody else's name.
        case foreign
    }

    private static let localhost = NameView.name("localhost")
    private static let reverse4 = NameView.name("in-addr.arpa")
    private static let reverse6 = NameView.name("ip6.arpa")

    func resolve(_ name: DomainName) -> Resolution {
        for network in networks {
            if let addresses = network.names[name] { return .addresses(addresses) }
        }
        let labels = name.labelCount
        guard labels > 1 else {
            return name == NameView.localhost ? NameView.loopback : .foreign
        }
        for network in networks {
            if let suffix = network.suffix, let inner = name.removing(suffix: suffix),
                let addresses = network.names[inner]
            {
                return .addresses(addresses)
            }
        }
        if name.isWithin(NameView.localhost) { return NameView.loopback }
        if name.isWithin(NameView.reverse4) { return pointer(NameView.ipv4(name)) }
        if name.isWithin(NameView.reverse6) { return pointer(NameView.ipv6(name)) }
        return .foreign
    }

    private func pointer(_ address: HostAddress?) -> Resolution {
        guard let address else { return .foreign }
        for network in networks {
            if let name = network.pointers[address] { return .pointer(name) }
        }
        switch address {
        case .ipv4(let address):
            if address == .loopback { return .pointer(NameView.localhost) }
            let isOurs = address.isLoopback || networks.contains { $0.subnets.contains { $0.contains(address) } }
            return isOurs ? .absent : .foreign
        case .ipv6(let address):
            return address == .loopback ? .pointer(NameView.localhost) : .foreign
        }
    }

    private static let loopback = Resolution.addresses(.init(ipv4: [.loopback], ipv6: [.loopback]))

    private static func name(_ text: String) -> DomainName {
        guard let name = try? DomainName(text) else { preconditionFailure("\(text) is a domain name") }
        return name
    }

    /// The address in `4.3.2.1.in-addr.arpa`; nil for less or more than four numbers before it.
    private static func ipv4(_ name: DomainName) -> HostAddress? {
        let labels = name.labels
        guard labels.count == 6 else { return nil }
        let text = labels[..<4].reversed().map { String(decoding: $0, as: UTF8.self) }.joined(separator: ".")
        return IPv4Address(text).map { .ipv4($0) }
    }

    /// The address in 32 hexadecimal digits, last first, before `ip6.arpa` (RFC 3596, 2.5).
    private static func ipv6(_ name: DomainName) -> HostAddress? {
        let labels = name.labels
        guard labels.count == 34 else { return nil }
        var nibbles: [UInt8] = []
        for label in labels[..<32].reversed() {
            guard label.count == 1, let nibble = hexadecimal(label[label.startIndex]) else { return nil }
            nibbles.append(nibble)
        }
        let bytes = stride(from: 0, to: 32, by: 2).map { nibbles[$0] << 4 | nibbles[$0 + 1] }
        return IPv6Address(bytes: bytes).map { .ipv6($0) }
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
