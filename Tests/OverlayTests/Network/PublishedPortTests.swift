import Glibc
import Model
import Platform
import TestSupport
import Testing

@testable import Overlay

@Suite(.enabled(if: Probe.canCreateNetworkNamespaces), .timeLimit(.minutes(2)))
struct PublishedPortTests {
    @Test func aSandboxReachesTheWorldThroughTheGatewayBridge() async throws {
        try await TwoHosts.with { bed in
            let server = try TestServer("outside", in: bed.second.namespace, port: 7000)
            defer { server.stop() }
            // Out through the first host, under its address.
            let answer = try TestClient.askTCP(bed.second.address, 7000, in: bed.sandbox("client"))
            #expect(answer == "outside \(bed.first.address)")
            let gateway = try #require(bed.handles["client2"]?.gateway)
            #expect(try TestClient.askTCP(gateway, 7000, in: bed.sandbox("client2")).hasPrefix("outside"))
        }
    }

    @Test(arguments: ["0", "1"])
    func aPublishedPortIsReachedFromEverywhere(_ bridgedPacketsAreFiltered: String) async throws {
        try await TwoHosts.with { bed in
            for host in bed.network.hosts {
                let isSet: Void? = try host.namespace.run {
                    try? NamespaceSetting.set("bridge/bridge-nf-call-iptables", bridgedPacketsAreFiltered)
                }
                if isSet != nil { try await host.network.repair() }
            }
            let servers = try ["web1", "web2"].map { try TestServer($0, in: bed.sandbox($0)) }
            defer { for server in servers { server.stop() } }
            let (first, second) = (bed.first, bed.second)
            func ask(_ address: IPv4Address, from namespace: NetworkNamespace) throws -> String {
                let answer = try TestClient.askTCP(address, TwoHosts.published, in: namespace)
                #expect(try TestClient.askUDP(address, TwoHosts.published, in: namespace) == answer)
                return answer
            }
            // Both nodes have a local task: it is asked, and it sees who asks.
            #expect(try ask(first.address, from: second.namespace) == "web1 \(second.address)")
            #expect(try ask(second.address, from: first.namespace) == "web2 \(first.address)")
            #expect(try ask(.loopback, from: first.namespace).hasPrefix("web1"))
            #expect(try ask(first.address, from: first.namespace).hasPrefix("web1"))
            // From sandboxes on the same node, the backend's own too.
            #expect(try ask(first.address, from: bed.sandbox("client")).hasPrefix("web1"))
            #expect(try ask(first.address, from: bed.sandbox("web1")).hasPrefix("web1"))
            #expect(try ask(second.address, from: bed.sandbox("client")).hasPrefix("web2"))

            // But sandboxes do not reach each other over the gateway bridge, nor others what is not published.
            let hidden = try #require(bed.handles["web1"]?.gatewayAddress)
            for place in [bed.sandbox("client"), bed.sandbox("client2")] {
                #expect(try !TestClient.askTCP(hidden, in: place, milliseconds: 300).contains("web"))
            }

            // The second node's task ends: its port leads over the ingress network.
            let moved = TwoHosts.states(
                of: bed.network, revision: 2,
                [("web1", 0, 11, true), ("client", 0, 13, false), ("client2", 1, 14, false)])
            for (host, state) in zip(bed.network.hosts, moved) { try await host.network.apply(state) }
            let node = "10.255.1.2"
            #expect(try ask(second.address, from: first.namespace) == "web1 \(node)")
            #expect(try ask(.loopback, from: second.namespace) == "web1 \(node)")
            #expect(try ask(second.address, from: bed.sandbox("client2")) == "web1 \(node)")

            // None is left: refused, not left hanging.
            let empty = TwoHosts.states(
                of: bed.network, revision: 3, [("client", 0, 13, false), ("client2", 1, 14, false)])
            for (host, state) in zip(bed.network.hosts, empty) { try await host.network.apply(state) }
            #expect(try ask(second.address, from: first.namespace) == "refused")
            #expect(try ask(.loopback, from: first.namespace) == "refused")
        }
    }

    @Test func portsOfHostModeLeadToTheirOwnTaskAndTakenOnesAreReported() async throws {
        try await TwoHosts.with { bed in
            let server = try TestServer("client", in: bed.sandbox("client"), port: 90)
            let foreign = try TestServer("foreign", in: bed.first.namespace, port: 9001)
            defer {
                server.stop()
                foreign.stop()
            }
            var state = bed.states[0]
            state.publishedPorts = [
                PublishedPort(serviceID: "x", transport: .tcp, port: 9000, targetPort: 90, hostTaskID: "gone"),
                PublishedPort(serviceID: "x", transport: .tcp, port: 9000, targetPort: 90, hostTaskID: "client"),
                PublishedPort(serviceID: "x", transport: .tcp, port: 9001, targetPort: 90, hostTaskID: "client"),
            ]
            let report = try await bed.first.network.apply(state)
            #expect(report.problems == ["port 9001/tcp cannot be published on this node: Address already in use"])
            let outside = bed.second.namespace
            #expect(try TestClient.askTCP(bed.first.address, 9000, in: outside) == "client \(bed.second.address)")
            #expect(try TestClient.askTCP(bed.first.address, 9001, in: outside).hasPrefix("foreign"))
            let taken = #expect(throws: SystemError.self) {
                try bed.first.namespace.run {
                    let socket = Descriptor(
                        owning: try checked(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0), "socket"))
                    try checked(
                        try SocketAddress.ipv4(.any, 9000).withSockaddr { bind(socket.rawValue, $0, $1) }, "bind")
                }
            }
            #expect(taken?.errno == EADDRINUSE)
        }
    }

    @Test func aForeignPolicyThatDropsForwardedPacketsIsMet() async throws {
        try await TwoHosts.with { bed in
            let servers = try ["web1"].map { try TestServer($0, in: bed.sandbox($0)) }
            defer { for server in servers { server.stop() } }
            try bed.first.namespace.run {
                let filter = try PacketFilter()
                let chain = FilterTable.Chain("FORWARD", .filter, .forward, priority: 0, [], policy: .drop)
                try filter.replace(FilterTable(name: "filter", chains: [chain]))
            }
            let ask = {
                try TestClient.askTCP(
                    bed.first.address, TwoHosts.published, in: bed.second.namespace, milliseconds: 500)
            }
            #expect(try ask() != "web1 \(bed.second.address)")
            #expect(try await bed.first.network.repair().repaired == 1)
            #expect(try ask() == "web1 \(bed.second.address)")
            #expect(try await bed.first.network.repair().isQuiet)
        }
    }
}
