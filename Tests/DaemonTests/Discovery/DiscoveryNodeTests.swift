import HTTP
import Testing

@testable import Daemon

@Suite struct DiscoveryNodeTests {
    private static func answer(_ node: DiscoveryNode) async throws -> String {
        let response = await node.respond(to: HTTPRequest(.get, "/v1/kv/a"))
        #expect(response.status == .internalServerError && response.headers["X-Consul-KnownLeader"] == "false")
        return String(decoding: try await response.body.collect(upTo: 1_000), as: UTF8.self)
    }

    /// A manager that was just started is not said to be none: somebody would make a cluster of it.
    @Test func aNodeThatStartsSaysSo() async throws {
        let node = DiscoveryNode()
        #expect(try await Self.answer(node).hasPrefix("No cluster leader: this node is starting"))
        node.hasStarted()
        #expect(try await Self.answer(node).hasPrefix("No cluster leader: this node is no manager of a cluster"))
        node.setLocked(true)
        #expect(try await Self.answer(node).contains("unlock"))
    }
}
