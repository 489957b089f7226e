import Agent
import Model
import Platform
import Synchronization
import TestSupport
import Testing

@testable import Daemon

@Suite struct ManagerConnectorTests {
    private static let authority = CertificateAuthority.make(clusterID: "c1")

    private static func links(_ nodeID: String, _ role: PeerIdentity.Role, _ loop: EventLoop) throws -> ClusterLinks {
        let credentials = try TestCertificates.credentials(of: authority, nodeID, role)
        return ClusterLinks(CurrentCredentials(credentials), loop: loop) { _, _ in nil }
    }

    private static func manager(_ nodeID: String, _ loop: EventLoop) throws -> ChannelListener {
        try ChannelListener(
            on: .ipv4(.loopback, 0), authentication: links(nodeID, .manager, loop).authentication, loop: loop
        ) { channel in while (try? await channel.receiveBytes()) ?? nil != nil {} }
    }

    /// As a host without power: never a word is said.
    private static func silent(_ loop: EventLoop) throws -> SocketListener {
        let held = Held()
        return try SocketListener(on: .ipv4(.loopback, 0), loop: loop) { stream in
            held.streams.withLock { $0.append(stream) }
        }
    }

    private final class Held: Sendable {
        let streams = Mutex<[SocketStream]>([])
    }

    private func connect(
        _ loop: EventLoop, to managers: [SocketAddress], known: [SocketAddress] = []
    ) async throws {
        let endpoints = { (addresses: [SocketAddress]) in
            addresses.map { ManagerEndpoint(nodeID: "m", address: "\($0)") }
        }
        let (first, others) = (endpoints(managers), endpoints(known))
        let connector = ManagerConnector(links: try Self.links("w1", .worker, loop)) { others }
        try await connector.connect(to: first).close()
    }

    /// Found missing in CI: a worker went through five managers without power, 3 s each, and was taken for down before it came
    /// to the one that was back.
    @Test func silentManagersCostTheirHeadStartAlone() async throws {
        let loop = try EventLoop(name: "connector")
        defer { loop.stop() }
        let gone = try (0..<4).map { _ in try Self.silent(loop) }
        let manager = try Self.manager("m1", loop)
        defer { manager.close() }
        let began = ContinuousClock.now
        try await connect(loop, to: gone.prefix(3).map(\.address), known: [gone[3].address, manager.address])
        #expect(ContinuousClock.now - began < ClusterLinks.Limits.connect)
    }

    @Test func allSilentEndsAfterOneTimeout() async throws {
        let loop = try EventLoop(name: "connector")
        defer { loop.stop() }
        let gone = try (0..<4).map { _ in try Self.silent(loop) }
        let began = ContinuousClock.now
        let error = await #expect(throws: NoManager.self) { try await connect(loop, to: gone.map(\.address)) }
        #expect(error?.reasons.count == 4)
        #expect(ContinuousClock.now - began < ClusterLinks.Limits.connect * 2)
    }

    @Test func thoseThatRefuseCostNothing() async throws {
        let loop = try EventLoop(name: "connector")
        defer { loop.stop() }
        // So many that their head starts together would be longer than a connection may take.
        let refusing = try (0..<30).map { _ in
            let listener = try Self.silent(loop)
            listener.close()
            return listener.address
        }
        let manager = try Self.manager("m1", loop)
        defer { manager.close() }
        #expect(ManagerConnector.Limits.headStart * refusing.count > ClusterLinks.Limits.connect * 2)
        try await connect(loop, to: refusing + [manager.address])
        await #expect(throws: NoManager.self) { try await connect(loop, to: refusing) }
    }

    @Test func whoKnowsNobodySaysSo() async throws {
        let loop = try EventLoop(name: "connector")
        defer { loop.stop() }
        let error = await #expect(throws: NoManager.self) { try await connect(loop, to: []) }
        #expect(error.map { "\($0)" } == "no manager is known")
    }
}
