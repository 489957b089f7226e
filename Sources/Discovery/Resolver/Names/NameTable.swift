import Platform

/// The names of a node's networks, ready to be looked up.
public struct NameTable: Sendable {
    public let revision: UInt64
    private let networks: [String: Network]

    /// What a name stands for, by family.
    struct Addresses: Sendable, Equatable {
        var ipv4: [IPv4Address] = []
        var ipv6: [IPv6Address] = []
    }

    struct Network: Sendable {
        var suffix: DomainName?
        var subnets: [IPv4Prefix]
        var names: [DomainName: Addresses] = [:]
        var pointers: [HostAddress: DomainName] = [:]
    }

    /// Entries whose names are no domain names are left out.
    public init(_ state: NameState) {
        revision = state.revision
        var networks: [String: Network] = [:]
        for network in state.networks {
            networks[network.id] = Network(network)
        }
        self.networks = networks
    }

    /// What a sandbox on these networks sees. Where two networks know a name, the earlier one answers; networks not in the
    /// table are passed over.
    public func view(of networkIDs: [String]) -> NameView {
        NameView(networks: networkIDs.compactMap { networks[$0] })
    }
}

extension NameTable.Network {
    init(_ network: NetworkNames) {
        suffix = try? DomainName(network.name)
        subnets = network.subnets
        for entry in network.entries {
            guard let name = try? DomainName(entry.name) else { continue }
            for address in entry.addresses {
                switch address {
                case .ipv4(let address): names[name, default: .init()].ipv4.append(address)
                case .ipv6(let address): names[name, default: .init()].ipv6.append(address)
                }
            }
            if entry.addresses.isEmpty, names[name] == nil {
                names[name] = .init()
            }
        }
        for pointer in network.pointers {
            guard let name = try? DomainName(suffix.map { "\(pointer.name).\($0)" } ?? pointer.name) else { continue }
            pointers[pointer.address] = name
        }
    }
}
