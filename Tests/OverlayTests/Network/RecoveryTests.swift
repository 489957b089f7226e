import Glibc
import Model
import Platform
import TestSupport
import Testing

@testable import Overlay

@Suite(.enabled(if: Probe.canCreateNetworkNamespaces), .timeLimit(.minutes(2)))
struct RecoveryTests {
    @Test func aNewProcessFindsEverythingInPlace() async throws {
        try await TwoHosts.with { bed in
            let server = try TestServer("web2", in: bed.sandbox("web2"))
            defer { server.stop() }
            let before = try bed.network.hosts.map { try Self.dump($0, bed) }
            for (host, state) in zip(bed.network.hosts, bed.states) {
                // The old one never let go of anything, as if it had been killed; its port reservations die with it.
                try await host.network.releasePorts()
                let successor = try NodeNetwork(host.configuration)
                let first = try await successor.apply(state)
                #expect(first.isQuiet, "\(first)")
                for placement in TwoHosts.usual where bed.network.hosts[placement.host].id == host.id {
                    let handle = try await successor.attachSandbox(
                        placement.task, attachments: TwoHosts.attachments(placement.last))
                    #expect(handle == bed.handles[placement.task])
                }
                // Now it knows what there is: nothing is left to do.
                let again = try await successor.repair()
                #expect(again.isQuiet, "\(again)")
                try await successor.releasePorts()
            }
            let after = try bed.network.hosts.map { try Self.dump($0, bed) }
            #expect(before == after)
            let client = bed.sandbox("client")
            #expect(try TestClient.askTCP(IPv4Address(10, 0, 1, 12), in: client) == "web2 10.0.1.13")
        }
    }

    @Test func driftIsRepairedAndOrphansAreRemoved() async throws {
        try await TwoHosts.with { bed in
            let server = try TestServer("web2", in: bed.sandbox("web2"))
            defer { server.stop() }
            let host = bed.first
            let client = bed.sandbox("client")
            let target = IPv4Address(10, 0, 1, 12)
            let segment = host.configuration.networkNamespace("web-net")

            // Somebody deletes a forwarding entry, and adds one that nobody asked for.
            try segment.run {
                let route = try RouteSession()
                let tunnel = try #require(try route.link(named: Segment.tunnel))
                let mac = MACAddress(derivedFrom: target)
                try route.perform(
                    try route.forwardingEntries().filter { $0.mac == mac }.map(RouteSession.removeForwardingEntry))
                let stranger = ForwardingEntry(
                    link: tunnel.index, mac: MACAddress(value: 0x0242_0a00_0163),
                    destination: IPv4Address(192, 168, 77, 9), state: 0x80)
                try route.perform(RouteSession.replaceForwardingEntry(stranger))
            }
            #expect(try TestClient.askTCP(target, in: client, milliseconds: 300) != "web2 10.0.1.13")
            let report = try await host.network.repair()
            #expect(report.repaired == 3 && report.removed == 0 && report.problems.isEmpty, "\(report)")
            #expect(try TestClient.askTCP(target, in: client) == "web2 10.0.1.13")

            // A whole device, a table, and an address inside a sandbox.
            try segment.run {
                let route = try RouteSession()
                try route.perform(RouteSession.deleteLink(try #require(try route.link(named: Segment.tunnel))))
            }
            try host.namespace.run { try PacketFilter().remove(host.configuration.hostTable) }
            try client.run {
                let route = try RouteSession()
                let eth0 = try #require(try route.link(named: "eth0"))
                let held = try route.addresses().filter { $0.link == eth0.index }
                try route.perform(held.map(RouteSession.removeAddress))
            }
            #expect(try await host.network.repair().repaired > 0)
            #expect(try await host.network.repair().isQuiet)
            #expect(try TestClient.askTCP(target, in: client) == "web2 10.0.1.13")

            // A task that the state no longer names is swept, and then its network too.
            let swept = try await host.network.sweep(keeping: ["web1"])
            #expect(swept.removed >= 1)
            #expect(!Files.exists(bed.handles["client"]?.path ?? ""))
            #expect(try await host.network.sweep(keeping: ["web1"]).isQuiet)
            try await host.network.detachSandbox("web1")
            let gone = try await host.network.apply(NetworkState(revision: 20))
            #expect(gone.removed == 2)
            #expect(try host.configuration.pinned().networks.isEmpty)
        }
    }

    /// Found by `Tests/Stories/churn` on a busy machine: the network stayed until the next repair.
    @Test func aNetworkThatWasTakenBackGoesWithItsLastSandbox() async throws {
        try await TwoHosts.with { bed in
            let host = bed.first
            let early = try await host.network.apply(NetworkState(revision: 20))
            #expect(early.removed == 0 && early.problems.isEmpty, "\(early)")
            try await host.network.detachSandbox("web1")
            #expect(try host.configuration.pinned().networks.count == 2)
            try await host.network.detachSandbox("client")
            #expect(try host.configuration.pinned().networks.isEmpty)
        }
    }

    /// Where a process may have been killed: what it leaves behind is made good by the next.
    @Test(arguments: [
        "an empty file instead of a sandbox", "no leg on the overlay", "no leg on the gateway bridge",
        "a leg that is no port yet", "a leg without address", "no default route", "no bridge", "no VXLAN device",
        "no gateway bridge", "an empty file instead of a segment",
    ])
    func halfDoneWorkIsFinished(_ left: String) async throws {
        try await TwoHosts.with { bed in
            let server = try TestServer("web2", in: bed.sandbox("web2"))
            defer { server.stop() }
            let host = bed.first
            let configuration = host.configuration
            let client = bed.sandbox("client")
            let segment = configuration.networkNamespace("web-net")
            let port = NodeNetworkConfiguration.overlayPort("client")
            @Sendable func delete(_ name: String) throws {
                let route = try RouteSession()
                try route.perform(RouteSession.deleteLink(try #require(try route.link(named: name))))
            }
            switch left {
            case "an empty file instead of a sandbox":
                try client.remove()
                try Files.write(client.path, [])
            case "no leg on the overlay": try segment.run { try delete(port) }
            case "no leg on the gateway bridge": try client.run { try delete(Sandbox.gatewayInterface) }
            case "a leg that is no port yet":
                try segment.run {
                    let route = try RouteSession()
                    let link = try #require(try route.link(named: port))
                    try route.perform([RouteSession.setMaster(link.index, 0), RouteSession.setDown(link.index)])
                }
            case "a leg without address", "no default route":
                let interface = left == "no default route" ? Sandbox.gatewayInterface : "eth0"
                try client.run {
                    let route = try RouteSession()
                    let link = try #require(try route.link(named: interface))
                    try route.perform(
                        try route.addresses().filter { $0.link == link.index }.map(RouteSession.removeAddress))
                }
            case "no bridge": try segment.run { try delete(Segment.bridge) }
            case "no VXLAN device": try segment.run { try delete(Segment.tunnel) }
            case "no gateway bridge": try host.namespace.run { try delete(configuration.gatewayBridge) }
            default:
                try segment.remove()
                try Files.write(segment.path, [])
            }
            try await host.network.releasePorts()
            let successor = try NodeNetwork(configuration)
            let report = try await successor.apply(bed.states[0])
            #expect(report.problems.isEmpty, "\(report)")
            for placement in TwoHosts.usual where placement.host == 0 {
                _ = try await successor.attachSandbox(
                    placement.task, attachments: TwoHosts.attachments(placement.last))
            }
            #expect(try TestClient.askTCP(IPv4Address(10, 0, 1, 12), in: client) == "web2 10.0.1.13")
            #expect(try TestClient.askTCP(bed.second.address, TwoHosts.published, in: client).hasPrefix("web2"))
            let again = try await successor.repair()
            #expect(again.isQuiet, "\(again)")
            try await successor.releasePorts()
        }
    }

    /// Addresses that change hands between tasks and nodes, again and again.
    @Test func tablesEqualTheLiveEndpointsAfterMuchChurn() async throws {
        let network = try TestNetwork(hosts: 1)
        let host = network.hosts[0]
        var seed: UInt64 = 7
        func random(_ bound: Int) -> Int {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(seed >> 33) % bound
        }
        do {
            for revision in 1...150 {
                var endpoints: [IPv4Address: IPv4Address] = [:]
                for _ in 0..<random(40) {
                    endpoints[IPv4Address(10, 0, 1, UInt8(10 + random(60)))] = IPv4Address(
                        192, 168, 77, UInt8(2 + random(5)))
                }
                let state = NetworkState(
                    revision: UInt64(revision),
                    networks: [
                        OverlayNetwork(
                            id: "churn", name: "churn", vni: 5000,
                            subnet: IPv4Prefix(address: IPv4Address(10, 0, 1, 0), length: 24),
                            gateway: IPv4Address(10, 0, 1, 1),
                            endpoints: endpoints.sorted { $0.key < $1.key }.map { address, node in
                                Endpoint(
                                    taskID: "task\(address)", taskName: "", serviceID: "s", serviceName: "s",
                                    nodeID: "node\(node)", tunnelAddress: node, address: address, isReady: true)
                            })
                    ])
                try await host.network.apply(state)
                guard revision % 10 == 0 else { continue }
                let (neighbours, entries) = try host.configuration.networkNamespace("churn").run {
                    let route = try RouteSession()
                    let tunnel = try #require(try route.link(named: Segment.tunnel)).index
                    return (
                        try route.neighbours(of: tunnel), try route.forwardingEntries().filter { $0.link == tunnel }
                    )
                }
                #expect(Set(neighbours.map(\.address)) == Set(endpoints.keys))
                let remote = entries.compactMap { entry in entry.destination.map { (entry.mac, $0) } }
                #expect(remote.count == endpoints.count)
                for (address, node) in endpoints {
                    #expect(remote.contains { $0 == (MACAddress(derivedFrom: address), node) })
                }
                #expect(entries.count { $0.destination == nil && $0.state & 0x40 != 0 } == endpoints.count)
            }
        } catch {
            await network.tearDown()
            throw error
        }
        await network.tearDown()
    }

    /// What the kernel holds, without what changes by itself.
    private static func dump(_ host: TestNetwork.Host, _ bed: TwoHosts) throws -> [String] {
        let sandboxes = TwoHosts.usual.filter { bed.network.hosts[$0.host].id == host.id }.map { bed.sandbox($0.task) }
        let segments = try host.configuration.pinned().networks.map(host.configuration.networkNamespace)
        return try ([host.namespace] + segments + sandboxes).flatMap { namespace in
            try namespace.run {
                let route = try RouteSession()
                let links = try route.links().map { "\($0)" }
                let addresses = try route.addresses().map { "\($0)" }
                let routes = try route.routes().map { "\($0)" }
                let entries = try route.forwardingEntries().map { "\($0)" }
                return (links + addresses + routes + entries).sorted()
            }
        }
    }
}
