import Discovery
import Foundation
import HTTP
import Platform
import TestSupport
import Testing

@testable import Daemon

@Suite(.timeLimit(.minutes(1))) struct AuditLogTests {
    private static let authority = CertificateAuthority.make(clusterID: "c1")

    private func lines(_ path: String) throws -> [[String: Any]] {
        try Files.readText(path).split(separator: "\n").map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
        }
    }

    private func request(
        _ method: HTTPMethod, _ target: String, _ body: String = "",
        _ entrance: HTTPPeer.Entrance = .local(user: 1000)
    ) -> HTTPRequest {
        var request = HTTPRequest(method, target, headers: ["X-Registry-Auth": "hunter2"], body: HTTPBody(body))
        request.peer = HTTPPeer(entrance: entrance)
        return request
    }

    private func reader() throws -> HTTPPeer.Entrance {
        .secured(
            try Self.authority.issue(
                CertificateRequest(signedBy: .generate()),
                to: try #require(ClientIdentity(name: "rob", role: .readOnly)), of: "c1", validity: .seconds(3600)))
    }

    @Test func everyWriteIsWrittenDownWithWhatCameOfIt() async throws {
        let directory = try TemporaryDirectory("audit")
        let path = directory.file("audit.log")
        let handler = AuditLog.guarding(
            { request in
                if request.path.hasSuffix("/web") { throw HTTPError(.notFound, "no such service") }
                // The body is whole for the handler, although the name was read from it.
                #expect(try await request.body.collect(upTo: 1 << 20).count == (request.method == .post ? 41 : 0))
                return HTTPResponse(.created)
            }, AuditLog(path: path))
        let body = #"{"Name":"db","Data":"aHVudGVyMg==      "}"#
        #expect(body.utf8.count == 41)
        _ = try await handler(request(.post, "/v1.41/secrets/create?token=hunter2", body))
        await #expect(throws: HTTPError.self) { try await handler(request(.delete, "/v1.41/services/web")) }
        await #expect(throws: HTTPError.self) { try await handler(request(.put, "/v1/kv/a", "hunter2", try reader())) }
        _ = try await handler(request(.get, "/v1.41/services"))
        _ = try await handler(request(.get, "/v1.41/swarm/unlockkey"))
        _ = try await handler(request(.get, "/v41/swarm/unlockkey"))
        _ = try await handler(request(.get, "/vx/swarm"))
        await #expect(throws: HTTPError.self) { try await handler(request(.delete, "/services/x", "", .secured(nil))) }
        var forwarded = HTTPRequest(.delete, "/services/x")
        forwarded.peer = HTTPPeer(nodeID: "n1", role: "manager")
        _ = try await handler(forwarded)

        let lines = try lines(path)
        let socket = "uid 1000"
        #expect(
            lines.map { $0["who"] as? String } == [socket, socket, "rob (read-only)", socket, socket, socket])
        #expect(lines.map { $0["status"] as? Int } == [201, 404, 403, 201, 201, 201])
        #expect(lines.map { $0["object"] as? String } == ["db", nil, nil, nil, nil, nil])
        #expect(lines.first?["path"] as? String == "/v1.41/secrets/create")
        let text = try Files.readText(path)
        #expect(!text.contains("hunter2") && !text.contains("aHVu"))
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
    }

    @Test func aNameIsOneLineWhateverIsInIt() async throws {
        let directory = try TemporaryDirectory("audit")
        let path = directory.file("audit.log")
        let handler = AuditLog.guarding({ _ in HTTPResponse(.ok) }, AuditLog(path: path))
        let names = [
            #"a\n{\"who\":\"somebody else\"}"#, #"\u0000\u001b[31m"#, String(repeating: "x", count: 100_000), "\\\"",
        ]
        for name in names { _ = try await handler(request(.post, "/services/create", "{\"Name\":\"\(name)\"}")) }
        for garbage in ["", "{", "[]", "{\"Name\":7}", "\u{1F4A5}"] {
            _ = try await handler(request(.post, "/networks/create", garbage))
        }
        let lines = try lines(path)
        #expect(lines.count == names.count + 5)
        #expect(lines.allSatisfy { $0["who"] as? String == "uid 1000" })
        #expect(try Files.size(path) < 10_000)
        await #expect(throws: HTTPError.self) {
            try await handler(
                request(.post, "/services/create", String(repeating: "x", count: HTTPJSON.defaultLimit + 1)))
        }
        #expect(try self.lines(path).last?["status"] as? Int == 413)
    }

    @Test func filesAreBoundedAndAllIsInThem() async throws {
        let directory = try TemporaryDirectory("audit")
        let path = directory.file("audit.log")
        let audit = AuditLog(path: path, limits: .init(fileBytes: 4_096, olderFiles: 3))
        let handler = AuditLog.guarding({ _ in HTTPResponse(.ok) }, audit)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<64 {
                group.addTask { _ = try await handler(request(.delete, "/services/\(number)")) }
            }
            try await group.waitForAll()
        }
        for number in 64..<400 { _ = try await handler(request(.delete, "/services/\(number)")) }
        let names = try Files.list(directory.path).sorted()
        #expect(names == ["audit.log", "audit.log.1", "audit.log.2", "audit.log.3"])
        var paths: [String] = []
        for name in names.dropFirst().reversed() + ["audit.log"] {
            #expect(try Files.size(directory.file(name)) < 4_096 + 20_000)
            paths += try lines(directory.file(name)).compactMap { $0["path"] as? String }
        }
        #expect(paths.last == "/services/399")
        #expect(paths.suffix(50) == (350..<400).map { "/services/\($0)" }[...])
    }

    @Test func aFileThatCannotBeWrittenHoldsNobodyUp() async throws {
        let handler = AuditLog.guarding({ _ in HTTPResponse(.ok) }, AuditLog(path: "/proc/nowhere/audit.log"))
        #expect(try await handler(request(.delete, "/services/x")).status == .ok)
        let none = AuditLog.guarding({ _ in HTTPResponse(.ok) }, nil)
        #expect(try await none(request(.delete, "/services/x")).status == .ok)
        await #expect(throws: HTTPError.self) { try await none(request(.delete, "/services/x", "", .secured(nil))) }
    }

    @Test func whatIsNotedWaitsForNobodyAndIsAllThere() async throws {
        let directory = try TemporaryDirectory("audit")
        let path = directory.file("audit.log")
        let audit = AuditLog(path: path, limits: .init(queuedEntries: 16, gatheringMicroseconds: 50_000))
        func entry(_ number: Int) -> AuditEntry {
            AuditEntry(
                time: WallClock.now(), caller: .anyone, from: "here", method: "PUT", path: "/v1/kv/\(number)",
                status: 200, duration: .zero)
        }
        let start = ContinuousClock.now
        for number in 0..<16 { await audit.note(entry(number)) }
        #expect(ContinuousClock.now - start < .milliseconds(40))
        // The queue is full: who comes now waits, and so nothing is left out.
        for number in 16..<100 { await audit.note(entry(number)) }
        await audit.flush()
        await audit.flush()
        let paths = try lines(path).compactMap { $0["path"] as? String }
        #expect(paths == (0..<100).map { "/v1/kv/\($0)" })
    }

    @Test func writesOnTheDiscoveryPortAreNoted() async throws {
        let directory = try TemporaryDirectory("audit")
        let path = directory.file("audit.log")
        let audit = AuditLog(path: path)
        let node = DiscoveryNode()
        var calls = [
            HTTPRequest(.get, "/v1/kv/a"), HTTPRequest(.put, "/v1/kv/a%0a%22?cas=1", body: HTTPBody("hunter2")),
            HTTPRequest(.delete, "/v1/kv/b?recurse"), HTTPRequest(.put, "/v1/session/create"),
        ]
        let transaction =
            #"[{"kv":{"VERB":"set","key":"c","Value":"aHVudGVyMg=="}},{"KV":{"Verb":"get","Key":"d"}},"#
            + #"{"KV":{"Verb":"delete-tree","Key":"e/"}}]"#
        for body in [transaction, "", "[", "{}", String(repeating: "x", count: DiscoveryAPI.transactionBytes + 1)] {
            calls.append(HTTPRequest(.put, "/v1/txn", body: HTTPBody(body)))
        }
        for call in calls {
            var call = call
            call.peer = HTTPPeer(entrance: .open)
            _ = await node.respond(onPort: call, audit: audit)
        }
        await audit.flush()
        let lines = try lines(path)
        #expect(lines.count == calls.count - 1)
        #expect(lines.allSatisfy { $0["who"] as? String == "anyone" && $0["by"] as? String == "nothing" })
        #expect(lines.compactMap { $0["object"] as? String } == ["set c, delete-tree e/"])
        #expect(lines.last?["status"] as? Int == 413)
        let text = try Files.readText(path)
        #expect(!text.contains("hunter2") && !text.contains("aHVu") && !text.contains("cas=1"))
    }
}
