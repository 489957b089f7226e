import HTTP
import Model
import Platform
import Synchronization
import Testing

@testable import Daemon

extension HTTPResponse {
    fileprivate func text() async throws -> String {
        String(decoding: try await body.collect(upTo: 1000), as: UTF8.self)
    }
}

@Suite(.timeLimit(.minutes(1))) struct ClusterForwardingTests {
    private static func router(_ answer: String) -> Router {
        var router = Router()
        router.get("/services") { _ in .text(answer) }
        router.post("/services") { _ in .text(answer) }
        return router
    }

    /// Answers in turn, the last one for ever.
    private static func authorities(_ list: [ClusterAuthority]) -> ClusterForwarding {
        let turn = Turn()
        return ClusterForwarding { list[min(turn.next(), list.count - 1)] }
    }

    private final class Turn: Sendable {
        private let count = Atomic(0)
        func next() -> Int { count.wrappingAdd(1, ordering: .relaxed).oldValue }
    }

    @Test func waitsForALeader() async throws {
        let forwarding = Self.authorities([.unknown, .unknown, .here(Self.router("led"))])
        let response = try await forwarding.respond(to: HTTPRequest(.get, "/services"))
        #expect(try await response.text() == "led")
    }

    @Test func saysAfterAWhileThatThereIsNone() async throws {
        let start = ContinuousClock.now
        let error = await #expect(throws: HTTPError.self) {
            try await Self.authorities([.unknown]).respond(to: HTTPRequest(.post, "/services"))
        }
        #expect(error?.status == .serviceUnavailable && error?.message.contains("does not have a leader") == true)
        #expect(ContinuousClock.now - start >= ClusterForwarding.Limits.leaderWait)
    }

    /// Clients of Consul look for its own words and status.
    @Test func theDiscoveryAPISaysItAsConsulDoes() async throws {
        let error = await #expect(throws: HTTPError.self) {
            try await ClusterForwarding(noLeader: DiscoveryMember.noLeader) { .unknown }
                .respond(to: HTTPRequest(.put, "/v1/kv/a"))
        }
        #expect(error?.status == .internalServerError && error?.message.hasPrefix("No cluster leader") == true)
    }

    /// One that cannot be reached was never asked, so that even a change may be made by the next.
    @Test func asksTheNextLeaderWhereOneIsGone() async throws {
        let loop = try EventLoop(name: "test-forwarding")
        defer { loop.stop() }
        let gone = HTTPClient(host: "gone", loop: loop) {
            try await SocketStream.connect(to: .ipv4(.loopback, 1), loop: loop)
        }
        let forwarding = Self.authorities([.leader(gone), .here(Self.router("made"))])
        let response = try await forwarding.respond(to: HTTPRequest(.post, "/services"))
        #expect(try await response.text() == "made")
    }

    /// What may have been done is not done again: the connection ended after the call was sent.
    @Test func doesNotRepeatAChangeThatMayHaveHappened() async throws {
        let loop = try EventLoop(name: "test-forwarding")
        defer { loop.stop() }
        let silent = HTTPClient(host: "silent", loop: loop) {
            let (near, far) = try SocketStream.pair(loop: loop)
            Task {
                _ = try? await far.read(upTo: 1000)
                far.close()
            }
            return near
        }
        let forwarding = Self.authorities([.leader(silent), .here(Self.router("twice"))])
        let error = await #expect(throws: HTTPError.self) {
            try await forwarding.respond(to: HTTPRequest(.post, "/services"))
        }
        #expect(error?.status == .badGateway)
        let read = try await forwarding.respond(to: HTTPRequest(.get, "/services"))
        #expect(try await read.text() == "twice")
    }

    @Test(arguments: ["/v1.23/info", "/v1.99/info", "/v0.1/_ping", "/v2.0/info", "/v-1.5/x"])
    func versionsThatAreNotSpokenAreRefused(path: String) {
        let error = #expect(throws: HTTPError.self) { try EngineAPIRoutes.checkVersion(path) }
        #expect(error?.status == .badRequest)
    }

    /// What is taken for a version must be one: whoever looks at a path behind it would be misled.
    @Test(arguments: ["/v/info", "/vx.y/info", "/v41/swarm", "/v1.2.3/x", "/vx"])
    func whatIsNoVersionIsNoPath(path: String) {
        let error = #expect(throws: HTTPError.self) { try EngineAPIRoutes.checkVersion(path) }
        #expect(error?.status == .notFound)
    }

    @Test(arguments: ["/info", "/v1.41/info", "/volumes", "/version", "/volumes/v", "", "/", "//"])
    func otherPathsPass(path: String) throws { try EngineAPIRoutes.checkVersion(path) }
}
