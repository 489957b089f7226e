import Foundation
import Model
import Platform
import TestSupport
import Testing

@testable import Overlay

/// How long the usual things take; prints, and fails on nothing but errors. Runs when `MARTLET_MEASURE` is set.
@Suite(
    .enabled(if: Probe.canCreateNetworkNamespaces && ProcessInfo.processInfo.environment["MARTLET_MEASURE"] != nil),
    .timeLimit(.minutes(5)))
struct MeasurementTests {
    @Test func fiftySandboxes() async throws {
        let network = try TestNetwork(hosts: 1)
        let host = network.hosts[0]
        let count = 50
        do {
            print(
                "apply the first state: \(try await time { _ = try await host.network.apply(Self.state(revision: 1, remotes: 10)) })"
            )
            print(
                "attach \(count) sandboxes: \(try await time { for index in 0..<count { try await attach(index, host) } })"
            )
            print("attach them again: \(try await time { for index in 0..<count { try await attach(index, host) } })")
            print(
                "one service's backends change in \(count) sandboxes: "
                    + "\(try await time { _ = try await host.network.apply(Self.state(revision: 2, remotes: 11)) })")
            print(
                "nothing changes: \(try await time { _ = try await host.network.apply(Self.state(revision: 3, remotes: 11)) })"
            )
            print(
                "490 endpoints more: \(try await time { _ = try await host.network.apply(Self.state(revision: 4, remotes: 501)) })"
            )
            print("repair, all in place: \(try await time { _ = try await host.network.repair() })")
            print("detach: \(try await time { _ = try await host.network.sweep(keeping: []) })")
        } catch {
            await network.tearDown()
            throw error
        }
        await network.tearDown()
    }

    private func attach(_ index: Int, _ host: TestNetwork.Host) async throws {
        _ = try await host.network.attachSandbox(
            "task\(index)",
            attachments: [
                NetworkAttachment(network: .init(id: "n1", name: "n1"), addresses: ["10.0.8.\(10 + index)/21"])
            ])
    }

    private func time(_ body: () async throws -> Void) async throws -> String {
        let took = try await ContinuousClock().measure { try await body() }
        return String(
            format: "%.1f ms", Double(took.components.attoseconds) / 1e15 + Double(took.components.seconds) * 1e3)
    }

    private static func state(revision: UInt64, remotes: Int) -> NetworkState {
        let endpoints = (0..<remotes).map { index in
            Endpoint(
                taskID: "remote\(index)", taskName: "remote\(index)", serviceID: "web", serviceName: "web",
                nodeID: "elsewhere", tunnelAddress: IPv4Address(192, 168, 77, 9),
                address: IPv4Address(10, 0, 10, 0).advanced(by: index), isReady: true)
        }
        let services = (0..<20).map {
            VirtualService(
                id: $0 == 0 ? "web" : "other\($0)", name: "s\($0)", address: IPv4Address(10, 0, 15, UInt8($0)))
        }
        return NetworkState(
            revision: revision,
            networks: [
                OverlayNetwork(
                    id: "n1", name: "n1", vni: 4100,
                    subnet: IPv4Prefix(address: IPv4Address(10, 0, 8, 0), length: 21),
                    gateway: IPv4Address(10, 0, 8, 1), endpoints: endpoints, services: services)
            ])
    }
}
