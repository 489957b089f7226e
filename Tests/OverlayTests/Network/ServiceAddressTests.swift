import Glibc
import Model
import Platform
import TestSupport
import Testing

@testable import Overlay

@Suite(.enabled(if: Probe.canCreateNetworkNamespaces), .timeLimit(.minutes(2)))
struct ServiceAddressTests {
    @Test func tasksReachEachOtherAcrossHostsDirectlyAndByTheirServicesAddress() async throws {
        try await TwoHosts.with { bed in
            let servers = try ["web1", "web2"].map { try TestServer($0, in: bed.sandbox($0)) }
            defer { for server in servers { server.stop() } }
            let client = bed.sandbox("client")

            #expect(try TestClient.askTCP(IPv4Address(10, 0, 1, 11), in: client) == "web1 10.0.1.13")
            #expect(try TestClient.askTCP(IPv4Address(10, 0, 1, 12), in: client) == "web2 10.0.1.13")
            #expect(try TestClient.askUDP(IPv4Address(10, 0, 1, 12), in: client) == "web2 10.0.1.13")

            let streams = try Set((0..<4).map { _ in try TestClient.askTCP(TwoHosts.virtual, in: client) })
            #expect(streams == ["web1 10.0.1.13", "web2 10.0.1.13"])
            let datagrams = try Set((0..<4).map { _ in try TestClient.askUDP(TwoHosts.virtual, in: client) })
            #expect(datagrams == ["web1 10.0.1.13", "web2 10.0.1.13"])

            // A backend reaches its own service, itself included.
            let own = try Set((0..<4).map { _ in try TestClient.askTCP(TwoHosts.virtual, in: bed.sandbox("web1")) })
            #expect(own == ["web1 10.0.1.11", "web2 10.0.1.11"])

            // A service without ready tasks refuses at once.
            #expect(try TestClient.askTCP(IPv4Address(10, 0, 1, 3), in: client) == "refused")
            #expect(try TestClient.askUDP(IPv4Address(10, 0, 1, 3), in: client) == "refused")
        }
    }

    @Test func aRemovedBackendGetsNoMoreDatagramsAndDrainsItsConnections() async throws {
        try await TwoHosts.with { bed in
            let servers = try ["web1", "web2"].map { try TestServer($0, in: bed.sandbox($0)) }
            defer { for server in servers { server.stop() } }
            let client = bed.sandbox("client")
            let flow = try TestClient.DatagramClient(to: TwoHosts.virtual, in: client)
            let before = try flow.ask()
            #expect(try flow.ask() == before)
            // A connection to the same backend: in turn, so one of two.
            var connection = try TestClient.StreamClient(to: TwoHosts.virtual, in: client)
            if connection.greeting != before {
                connection = try TestClient.StreamClient(to: TwoHosts.virtual, in: client)
            }
            #expect(connection.greeting == before)
            let stays = before.hasPrefix("web1") ? "web2" : "web1"
            let placements = TwoHosts.usual.map {
                ($0.task, $0.host, $0.last, $0.isReady && $0.task == stays) as TwoHosts.Placement
            }
            let next = TwoHosts.states(of: bed.network, revision: 2, placements)
            for (host, state) in zip(bed.network.hosts, next) { try await host.network.apply(state) }
            #expect(try flow.ask() == "\(stays) 10.0.1.13")
            #expect(connection.ask() == before)
        }
    }

    @Test func theResolverIsReachedOnPort53WhereverItListens() async throws {
        try await TwoHosts.with { bed in
            let client = bed.sandbox("client")
            let server = try TestServer("resolver", in: client, address: SandboxRules.resolverAddress, port: 40053)
            defer { server.stop() }
            try await bed.first.network.setResolver("client", udpPort: 40053, tcpPort: 40053)
            #expect(try TestClient.askUDP(SandboxRules.resolverAddress, 53, in: client).hasPrefix("resolver"))
            #expect(try TestClient.askTCP(SandboxRules.resolverAddress, 53, in: client).hasPrefix("resolver"))
        }
    }

    @Test func anInternalNetworksTasksHaveNoWayOut() async throws {
        let network = try TestNetwork(hosts: 1)
        do {
            let host = network.hosts[0]
            let subnet = IPv4Prefix(address: IPv4Address(10, 0, 9, 0), length: 24)
            try await host.network.apply(
                NetworkState(
                    revision: 1,
                    networks: [
                        OverlayNetwork(
                            id: "inner", name: "inner", vni: 4099, subnet: subnet, gateway: IPv4Address(10, 0, 9, 1),
                            isInternal: true)
                    ]))
            let handle = try await host.network.attachSandbox(
                "alone",
                attachments: [.init(network: .init(id: "inner", name: "inner"), addresses: ["10.0.9.7/24"])])
            #expect(handle.gateway == nil && handle.gatewayAddress == nil)
            let routes = try NetworkNamespace.open(handle.path).run { try RouteSession().routes() }
            #expect(routes.map(\.destination) == [subnet])
            let error = await #expect(throws: OverlayError.self) {
                _ = try await host.network.attachSandbox(
                    "lost", attachments: [.init(network: .init(id: "no", name: "no"), addresses: ["10.0.9.8/24"])])
            }
            #expect(error?.code == .unknownNetwork)
            let bad = await #expect(throws: OverlayError.self) {
                _ = try await host.network.attachSandbox("../x", attachments: [])
            }
            #expect(bad?.code == .invalidAttachment)
        } catch {
            await network.tearDown()
            throw error
        }
        await network.tearDown()
    }
}
