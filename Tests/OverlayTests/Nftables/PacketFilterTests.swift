import Foundation
import Model
import Platform
import TestSupport
import Testing

@testable import Overlay

@Suite(.enabled(if: Probe.canCreateNetworkNamespaces && Probe.hasProgram("nft")), .timeLimit(.minutes(1)))
struct PacketFilterTests {
    private func withNamespace(_ body: (NetworkNamespace) throws -> Void) throws {
        let namespace = try NetworkNamespace.create(at: "/tmp/mo-nft-\(Identifier.randomHex(bytes: 4))")
        defer { try? namespace.remove() }
        try body(namespace)
    }

    /// What nft itself makes of a table, one trimmed line each.
    private func listing(_ namespace: NetworkNamespace) throws -> [String] {
        try TestNetwork.output(of: ["nft", "list", "ruleset"], in: namespace)
            .split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    }

    private let rules = HostRules(
        table: "martlet-test", gatewayBridge: "mgw-abc",
        gateway: IPv4Prefix(address: IPv4Address(172, 18, 0, 1), length: 16),
        ingress: Segment.NodeLeg(
            interface: "min-abc", address: IPv4Prefix(address: IPv4Address(10, 255, 1, 1), length: 16)),
        dataPathPort: 4789,
        ports: [
            .init(
                transport: .tcp, port: 8080, targetPort: 80,
                backends: [
                    IPv4Address(172, 18, 0, 2), IPv4Address(172, 18, 0, 3),
                ]),
            .init(transport: .udp, port: 9000, targetPort: 53, backends: []),
        ])

    @Test func nftReadsTheHostsTableAsItIsMeant() throws {
        try withNamespace { namespace in
            let table = rules.filterTable
            try namespace.run { try PacketFilter().replace(table) }
            let lines = try listing(namespace)
            for expected in [
                "table ip martlet-test {",
                "tcp . 8080 : goto port-8080-tcp",
                "udp . 9000 : goto refuse",
                "dnat to numgen inc mod 2 map { 0 : 172.18.0.2, 1 : 172.18.0.3 }:80",
                "fib daddr type local jump published",
                "oifname \"min-abc\" snat to 10.255.1.1",
                "ip saddr 172.18.0.0/16 oifname != \"mgw-abc\" masquerade comment \"egress of sandboxes\"",
                "oifname \"mgw-abc\" ip saddr 172.18.0.0/16 masquerade",
                "iifname \"mgw-abc\" ip daddr 127.0.0.0/8 drop",
                "reject with tcp reset",
                "udp dport 4789 notrack",
                "type nat hook prerouting priority dstnat; policy accept;",
                "type filter hook forward priority filter; policy accept;",
            ] {
                #expect(lines.contains { $0.contains(expected) }, "\(expected)\n\(lines.joined(separator: "\n"))")
            }
        }
    }

    @Test func aTableThatIsInPlaceIsKnownAndOneThatWasTouchedIsNot() throws {
        try withNamespace { namespace in
            let table = rules.filterTable
            let (first, second) = try namespace.run {
                let filter = try PacketFilter()
                return (try filter.ensure(table), try filter.ensure(table))
            }
            #expect(first && !second)
            _ = try TestNetwork.output(of: ["nft", "flush", "chain", "ip", "martlet-test", "published"], in: namespace)
            #expect(try namespace.run { try PacketFilter().ensure(table) })
            var other = rules
            other.ports.removeLast()
            let next = other.filterTable
            #expect(try namespace.run { try PacketFilter().ensure(next) })
            #expect(try !listing(namespace).contains { $0.contains("9000") })
            try namespace.run { try PacketFilter().remove("martlet-test") }
            #expect(try listing(namespace).isEmpty)
        }
    }

    @Test func manyBackendsNeedSeveralMessages() throws {
        try withNamespace { namespace in
            let backends = (1...1500).map { IPv4Address(10, 1, 0, 0).advanced(by: $0) }
            let table = SandboxRules(services: [IPv4Address(10, 0, 1, 2): backends]).filterTable
            try namespace.run { try PacketFilter().replace(table) }
            #expect(try listing(namespace).contains { $0.contains("1499 : 10.1.5.220") })
        }
    }

    @Test func aRefusedTransactionLeavesWhatWasThere() throws {
        try withNamespace { namespace in
            let table = rules.filterTable
            let broken = FilterTable(
                name: "martlet-test", chains: [.init("only", [.init([.verdict(.jump("nowhere"))])])])
            try namespace.run { try PacketFilter().replace(table) }
            let before = try listing(namespace)
            let error = #expect(throws: OverlayError.self) {
                try namespace.run { try PacketFilter().replace(broken) }
            }
            #expect(error?.code == .kernelRefused)
            #expect(error?.message.hasPrefix("add a rule to chain only") == true)
            #expect(try listing(namespace) == before)
        }
    }
}
