import HTTP
import Model
import Platform
import Store
import Synchronization
import TestSupport
import Testing

@testable import Daemon

/// What goes on by a token's leave, and ends with it.
@Suite(.timeLimit(.minutes(1))) struct OpenCallsTests {
    /// A manager's door before routes that take their time.
    private struct Door {
        let store = Store()
        let calls = OpenCalls()
        let proposer: Applying
        let access: KnownAccess
        let handler: HTTPHandler

        init() {
            let calls = calls
            proposer = Applying(store)
            let access = KnownAccess(store) { calls.review($0) }
            self.access = access
            handler = AuditLog.guarding(
                { request in
                    if request.query["index"] != nil { try await Task.sleep(for: .seconds(300)) }
                    guard request.query["follow"] != nil else { return HTTPResponse(.ok, body: HTTPBody("short")) }
                    return HTTPResponse(
                        .ok,
                        body: .stream { writer in
                            try await writer.write("first")
                            try await Task.sleep(for: .seconds(300))
                        })
                }, nil, calls: calls, tokens: { access.now() })
        }

        func put(_ name: String, _ rules: [AccessPolicy.Rule], expiresAt: Timestamp? = nil) async throws {
            let token = AccessToken(
                id: "id\(name)", createdAt: .zero, name: name, hash: AccessToken.hash(of: "secret\(name)"),
                policy: AccessPolicy(rules: rules), expiresAt: expiresAt)
            try await store.update(through: proposer, at: .zero) { try $0.put(token) }
            try await eventually { access.now().tokens[token.id]?.policy == token.policy }
        }

        func remove(_ name: String) async throws {
            try await store.update(through: proposer, at: .zero) { $0.delete(AccessToken.self, "id\(name)") }
        }

        func ask(_ target: String, as name: String) async throws -> HTTPResponse {
            let word = AccessToken.word(id: "id\(name)", secret: "secret\(name)")
            var request = HTTPRequest(.get, target, headers: ["Authorization": "Bearer \(word)"])
            request.peer = HTTPPeer(entrance: .secured(nil))
            return try await handler(request)
        }
    }

    private let reading = [AccessPolicy.Rule(kind: .service, access: .read), .init(kind: .key, access: .read)]

    @Test func aStreamEndsWithItsToken() async throws {
        let door = Door()
        try await door.put("ci", reading)
        try await door.put("other", reading)
        var lines = try await door.ask("/services/web/logs?follow=1", as: "ci").body.makeAsyncIterator()
        let others = try await door.ask("/services/web/logs?follow=1", as: "other").body
        let reader = Task { try await others.collect(upTo: 100) }
        #expect(try await lines.next() == Array("first".utf8))
        try await eventually { door.calls.count == 2 }
        try await door.remove("ci")
        let error = await #expect(throws: HTTPError.self) { while try await lines.next() != nil {} }
        #expect(error?.status == .forbidden)
        #expect(door.calls.count == 1, "the other one's goes on")
        reader.cancel()
        _ = await reader.result
        try await eventually { door.calls.count == 0 }
    }

    @Test func aQueryThatWaitsEndsWithItsToken() async throws {
        let door = Door()
        try await door.put("ci", reading)
        let query = Task { try await door.ask("/v1/kv/a?index=7&wait=5m", as: "ci") }
        try await eventually { door.calls.count == 1 }
        try await door.put("unrelated", [])
        #expect(door.calls.count == 1)
        // As another leader's backup may have it: the same token with another policy.
        try await door.put("ci", [.init(kind: .key, access: .read, prefix: "b")])
        let error = await #expect(throws: HTTPError.self) { try await query.value }
        #expect(error?.status == .forbidden && door.calls.count == 0)
    }

    @Test func aTokenThatEndsByItselfEndsWhatIsOpen() async throws {
        let door = Door()
        try await door.put("ci", reading, expiresAt: WallClock.now() + .milliseconds(400))
        let body = try await door.ask("/services/web/logs?follow=1", as: "ci").body
        await #expect(throws: HTTPError.self) { try await body.collect(upTo: 100) }
    }

    @Test func aNodeThatIsNoManagerAnyMoreKnowsNoTokens() async throws {
        let door = Door()
        try await door.put("ci", reading)
        let query = Task { try await door.ask("/v1/kv/a?index=7", as: "ci") }
        try await eventually { door.calls.count == 1 }
        door.calls.review(nil)
        let error = await #expect(throws: HTTPError.self) { try await query.value }
        #expect(error?.status == .serviceUnavailable, "another manager takes the token")
    }

    @Test func whatIsAnsweredAtOnceIsNotHeld() async throws {
        let door = Door()
        try await door.put("ci", reading)
        let answer = try await door.ask("/services", as: "ci")
        #expect(try await answer.body.collect(upTo: 100) == Array("short".utf8) && door.calls.count == 0)
    }
}
