import Model
import Platform

/// The nftables of a sandbox: each service's virtual address leads to one of its ready tasks. Pure.
///
/// The client's own sandbox chooses, on the address alone: every protocol and port works, the source address survives and
/// there is no balancer in between. A task that reaches itself through its service's address works likewise.
struct SandboxRules: Sendable, Equatable {
    static let table = "martlet"
    static let resolverTable = "martlet-names"
    /// Where containers send their DNS queries.
    static let resolverAddress = IPv4Address(127, 0, 0, 11)

    /// By virtual address; ordered backends, none at all where connections are to be refused.
    var services: [IPv4Address: [IPv4Address]]

    /// Turns the backends of every service, so that sandboxes whose turns start anew together do not all start with the
    /// same one.
    func turned(by seed: UInt64) -> SandboxRules {
        var turned = self
        for (address, backends) in services where backends.count > 1 {
            let first = Int((seed ^ UInt64(address.value)) % UInt64(backends.count))
            turned.services[address] = Array(backends[first...] + backends[..<first])
        }
        return turned
    }

    var filterTable: FilterTable {
        let ordered = services.sorted { $0.key < $1.key }
        let served = ordered.filter { !$0.value.isEmpty }
        let refused = ordered.filter(\.value.isEmpty)
        var table = FilterTable(name: Self.table, chains: [])
        table.maps = [
            .init(
                name: "services", key: .address,
                elements: served.map { .init($0.key, .goto("service-\($0.key)")) }),
            .init(name: "unserved", key: .address, elements: refused.map { .init($0.key, .goto("refuse")) }),
        ]
        table.chains = served.map { service in
            .init("service-\(service.key)", [.init(.translateDestination(toOneOf: service.value))])
        }
        table.chains += [
            .init(
                "output", .nat, .output, priority: FilterTable.Priority.destinationTranslation, [lookup("services")]),
            .init(
                "prerouting", .nat, .prerouting, priority: FilterTable.Priority.destinationTranslation,
                [lookup("services")]),
            .init(
                "refuse",
                [
                    .init(.transport(TransportProtocol.tcp.number) + [.reject(.tcpReset)]),
                    .init([.reject(.portUnreachable)]),
                ]),
            .init("filter", .filter, .output, priority: FilterTable.Priority.filter, [lookup("unserved")]),
        ]
        return table
    }

    private func lookup(_ map: String) -> FilterTable.Rule {
        .init([.payload(.network, offset: 16, length: 4, into: 1), .verdictMap(map, register: 1)])
    }

    /// Leads 127.0.0.11:53 to the resolver's own ports, so that a container may bind port 53 itself.
    static func resolverTable(udp: UInt16, tcp: UInt16) -> FilterTable {
        func rule(_ transport: TransportProtocol, _ port: UInt16) -> FilterTable.Rule {
            .init(
                .destination(resolverAddress) + .transport(transport.number, destinationPort: 53)
                    + .translateDestination(toOneOf: [resolverAddress], port: port))
        }
        return FilterTable(
            name: resolverTable,
            chains: [
                .init(
                    "output", .nat, .output, priority: FilterTable.Priority.destinationTranslation,
                    [rule(.udp, udp), rule(.tcp, tcp)])
            ])
    }
}
