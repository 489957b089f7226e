import Model
import Platform
import Testing

@testable import Overlay

/// Two hosts; `web.1` on the first, `web.2` on the second, `client` on the first.
struct TwoHosts: Sendable {
    static let virtual = IPv4Address(10, 0, 1, 2)
    static let published: UInt16 = 8080

    let network: TestNetwork
    var states: [NetworkState]
    var handles: [String: SandboxHandle] = [:]

    var first: TestNetwork.Host { network.hosts[0] }
    var second: TestNetwork.Host { network.hosts[1] }

    func sandbox(_ taskID: String) -> NetworkNamespace { .open(handles[taskID]?.path ?? "/nowhere") }

    static func attachments(_ last: UInt8) -> [NetworkAttachment] {
        [
            NetworkAttachment(network: .init(id: "web-net", name: "web"), addresses: ["10.0.1.\(last)/24"]),
            NetworkAttachment(network: .init(id: "ingress", name: "ingress"), addresses: ["10.255.0.\(last)/16"]),
        ]
    }

    /// Where tasks are: id, host, last byte of their addresses, and whether `web` may lead to them.
    typealias Placement = (task: String, host: Int, last: UInt8, isReady: Bool)
    static let usual: [Placement] = [
        ("web1", 0, 11, true), ("web2", 1, 12, true), ("client", 0, 13, false), ("client2", 1, 14, false),
    ]

    static func states(
        of network: TestNetwork, revision: UInt64 = 1, _ placements: [Placement] = usual
    ) -> [NetworkState] {
        network.hosts.indices.map { own in
            func endpoints(_ prefix: IPv4Address) -> [Endpoint] {
                placements.map {
                    Endpoint(
                        taskID: $0.task, taskName: $0.task, serviceID: $0.isReady ? "web" : "other",
                        serviceName: "web", nodeID: network.hosts[$0.host].id,
                        tunnelAddress: network.hosts[$0.host].address,
                        address: prefix.advanced(by: Int($0.last)), isReady: $0.isReady)
                }
            }
            let web = OverlayNetwork(
                id: "web-net", name: "web", vni: 4097,
                subnet: IPv4Prefix(address: IPv4Address(10, 0, 1, 0), length: 24),
                gateway: IPv4Address(10, 0, 1, 1),
                endpoints: endpoints(IPv4Address(10, 0, 1, 0)),
                services: [
                    VirtualService(id: "web", name: "web", address: virtual),
                    VirtualService(id: "idle", name: "idle", address: IPv4Address(10, 0, 1, 3)),
                ])
            let ingress = OverlayNetwork(
                id: "ingress", name: "ingress", vni: 4096,
                subnet: IPv4Prefix(address: IPv4Address(10, 255, 0, 0), length: 16),
                gateway: IPv4Address(10, 255, 0, 1), isIngress: true,
                nodeAddress: IPv4Address(10, 255, 1, UInt8(own + 1)),
                nodePeers: network.hosts.indices.filter { $0 != own }.map {
                    NodePeer(
                        nodeID: network.hosts[$0].id, tunnelAddress: network.hosts[$0].address,
                        address: IPv4Address(10, 255, 1, UInt8($0 + 1)))
                },
                endpoints: endpoints(IPv4Address(10, 255, 0, 0)))
            return NetworkState(
                revision: revision, networks: [ingress, web],
                publishedPorts: [TransportProtocol.tcp, .udp].map {
                    PublishedPort(serviceID: "web", transport: $0, port: published, targetPort: 80)
                })
        }
    }

    init(_ network: TestNetwork) async throws {
        self.network = network
        states = Self.states(of: network)
        for (host, state) in zip(network.hosts, states) {
            let report = try await host.network.apply(state)
            #expect(report.problems.isEmpty)
        }
        for placement in Self.usual {
            handles[placement.task] = try await network.hosts[placement.host].network.attachSandbox(
                placement.task, attachments: Self.attachments(placement.last))
        }
    }

    /// A bed that is taken down again whatever happens.
    static func with(_ body: (TwoHosts) async throws -> Void) async throws {
        let network = try TestNetwork(hosts: 2)
        do {
            try await body(TwoHosts(network))
        } catch {
            await network.tearDown()
            throw error
        }
        await network.tearDown()
    }
}
