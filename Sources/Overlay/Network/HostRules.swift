import Model
import Platform

/// The nftables of the host's namespace: published ports, egress of sandboxes, the underlay's port untracked. Pure.
struct HostRules: Sendable, Equatable {
    var table: String
    var gatewayBridge: String
    var gateway: IPv4Prefix
    /// The host's own leg on the ingress network, while this node takes part in it.
    var ingress: Segment.NodeLeg?
    var dataPathPort: UInt16
    /// Ordered by transport and port.
    var ports: [Port]

    /// A published port with the backends it leads to from this node.
    struct Port: Sendable, Equatable {
        var transport: TransportProtocol
        var port: UInt16
        var targetPort: UInt16
        /// Addresses on the gateway bridge or, without one here, on the ingress network. None: connections are refused.
        var backends: [IPv4Address]

        var name: String { "\(port)-\(transport.rawValue)" }
    }

    private static let udp = TransportProtocol.udp.number
    private static let loopback = IPv4Prefix(address: IPv4Address(127, 0, 0, 0), length: 8)

    var filterTable: FilterTable {
        let served = ports.filter { !$0.backends.isEmpty }
        let refused = ports.filter(\.backends.isEmpty)
        var table = FilterTable(name: table, chains: [])
        table.maps = [
            map("published", served) { .goto("port-\($0.name)") },
            map("unserved", refused) { _ in .goto("refuse") },
        ]
        table.chains = served.map { port in
            .init(
                "port-\(port.name)",
                [.init(.translateDestination(toOneOf: port.backends, port: port.targetPort))])
        }
        table.chains += [
            .init("published", [.init(lookup("published"))]),
            .init(
                "prerouting", .nat, .prerouting, priority: FilterTable.Priority.destinationTranslation, [toPublished]),
            .init("output", .nat, .output, priority: FilterTable.Priority.destinationTranslation, [toPublished]),
            .init("postrouting", .nat, .postrouting, priority: FilterTable.Priority.sourceTranslation, translations),
            .init("refuse", refusal),
            .init("input", .filter, .input, priority: FilterTable.Priority.filter, [.init(lookup("unserved"))]),
            .init("forward", .filter, .forward, priority: FilterTable.Priority.filter, protection),
            .init("raw-prerouting", .filter, .prerouting, priority: FilterTable.Priority.raw, martians + [untracked]),
            .init("raw-output", .filter, .output, priority: FilterTable.Priority.raw, [untracked]),
        ]
        return table
    }

    private func map(
        _ name: String, _ ports: [Port], _ verdict: (Port) -> FilterTable.Verdict
    ) -> FilterTable.VerdictMap {
        .init(
            name: name, key: .transportAndPort,
            elements: ports.map { .init(transport: $0.transport.number, port: $0.port, verdict($0)) })
    }

    private func lookup(_ map: String) -> [FilterExpression] {
        // Register 1's second quarter: the key is the transport and the destination port, 4 bytes each.
        [
            .meta(.transportProtocol, into: 1), .payload(.transport, offset: 2, length: 2, into: 9),
            .verdictMap(map, register: 1),
        ]
    }

    private var toPublished: FilterTable.Rule {
        .init(.destinationIsLocal + [.verdict(.jump("published"))])
    }

    private var refusal: [FilterTable.Rule] {
        [
            .init(.transport(TransportProtocol.tcp.number) + [.reject(.tcpReset)]),
            .init([.reject(.portUnreachable)]),
        ]
    }

    private var translations: [FilterTable.Rule] {
        var rules: [FilterTable.Rule] = []
        if let ingress {
            rules.append(
                .init(
                    .output(ingress.interface) + .translateSource(to: ingress.address.address),
                    comment: "answers find the way back over the ingress network"))
        }
        rules.append(
            .init(
                .source(in: gateway.network) + .output(not: gatewayBridge) + [.masquerade],
                comment: "egress of sandboxes"))
        rules.append(
            .init(
                .output(gatewayBridge) + .source(in: gateway.network) + [.masquerade],
                comment: "a sandbox to a port published here"))
        rules.append(
            .init(
                .output(gatewayBridge) + .source(in: Self.loopback) + [.masquerade],
                comment: "127.0.0.1 to a port published here"))
        return rules
    }

    /// Only what was published is reached from outside, whatever routes others set.
    private var protection: [FilterTable.Rule] {
        ([gatewayBridge] + (ingress.map { [$0.interface] } ?? [])).map { interface in
            .init(
                .output(interface) + .isNewConnection + .isNotDestinationTranslated + [.verdict(.drop)],
                comment: "only published ports are reached")
        }
    }

    /// route_localnet is on where translated connections need it; nobody else may use it.
    private var martians: [FilterTable.Rule] {
        ([gatewayBridge] + (ingress.map { [$0.interface] } ?? [])).map { interface in
            .init(
                .input(interface) + .destination(in: Self.loopback) + [.verdict(.drop)],
                comment: "127.0.0.0/8 stays inside")
        }
    }

    private var untracked: FilterTable.Rule {
        .init(
            .transport(Self.udp, destinationPort: dataPathPort) + [.notrack],
            comment: "VXLAN flows need no connection entry")
    }

    /// What goes in front of a foreign chain that drops forwarded packets.
    var admissions: [FilterTable.Rule] {
        ([gatewayBridge] + (ingress.map { [$0.interface] } ?? [])).flatMap { interface in
            [
                FilterTable.Rule(
                    .input(interface) + [.counter, .verdict(.accept)], comment: "martlet: from \(interface)"),
                FilterTable.Rule(
                    .output(interface) + [.counter, .verdict(.accept)], comment: "martlet: to \(interface)"),
            ]
        }
    }
}
