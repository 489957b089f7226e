import Foundation
import HTTP
import Model
import Platform
import TestSupport
import Testing

@testable import Agent

@Suite(.enabled(if: canRunContainers), .timeLimit(.minutes(2)))
struct RoutesTests {
    private func withRoutes(_ body: (NodeAgent, Router) async throws -> Void) async throws {
        let folder = try TestFolder()
        defer { folder.remove() }
        let loop = try EventLoop(name: "routes")
        defer { loop.stop() }
        var configuration = NodeAgent.Configuration(
            engineID: "n1", dataDirectory: folder.path + "/data", runDirectory: folder.path + "/run")
        configuration.cgroupParent = "/martlet-test/\(Identifier.random().prefix(8))"
        let agent = try await NodeAgent.open(configuration, loop: loop)
        var router = Router(prefixes: ["", "/v{version}"])
        ContainerRoutes(agent: agent).register(in: &router)
        ImageRoutes(agent: agent).register(in: &router)
        try await body(agent, router)
        for record in await agent.containers.list() { try await agent.containers.remove(record.id, force: true) }
    }

    private func json(_ router: Router, _ request: HTTPRequest) async throws -> Any {
        let response = try await router.respond(to: request)
        return try JSONSerialization.jsonObject(with: Data(try await response.body.collect(upTo: 1 << 20)))
    }

    @Test("images: load, list, inspect, tag, remove, import")
    func images() async throws {
        try await withRoutes { agent, router in
            let archive = try Files.read(TestImage.archive.get(), limit: 64 << 20)
            let loaded = try await router.respond(to: HTTPRequest(.post, "/v1.41/images/load", body: HTTPBody(archive)))
            let text = String(decoding: try await loaded.body.collect(upTo: 4096), as: UTF8.self)
            #expect(text == "{\"stream\":\"Loaded image: \(TestImage.tag)\\n\"}\r\n")
            let list = try #require(try await json(router, HTTPRequest(.get, "/images/json")) as? [[String: Any]])
            #expect(list.count == 1)
            #expect(list[0]["RepoTags"] as? [String] == [TestImage.tag])
            #expect((list[0]["Size"] as? Int ?? 0) > 1_000_000)
            let tagged = try await router.respond(
                to: HTTPRequest(.post, "/images/martlet/test:1/tag?repo=other/name&tag=9"))
            #expect(tagged.status == .created)
            let details = try await json(router, HTTPRequest(.get, "/v1.47/images/other/name:9/json")) as? [String: Any]
            #expect((details?["RepoTags"] as? [String])?.sorted() == [TestImage.tag, "other/name:9"])
            #expect((details?["RootFS"] as? [String: Any])?["Type"] as? String == "layers")
            let filtered = try await json(
                router, HTTPRequest(.get, "/images/json", query: [("filters", "{\"reference\":{\"nothing\":true}}")]))
            #expect((filtered as? [Any])?.isEmpty == true)
            let removed = try await json(router, HTTPRequest(.delete, "/images/other/name:9"))
            #expect(removed as? [[String: String]] == [["Untagged": "other/name:9"]])
            var tar = TarBuilder()
            tar.add("bin/sh", text: "x")
            let imported = try await json(
                router,
                HTTPRequest(
                    .post, "/images/create",
                    query: [("fromSrc", "-"), ("repo", "mine"), ("changes", "CMD [\"sh\"]")],
                    body: HTTPBody(tar.finished)))
            #expect((imported as? [String: String])?["status"]?.hasPrefix("sha256:") == true)
            let error = await #expect(throws: AgentError.self) {
                _ = try await router.respond(to: HTTPRequest(.get, "/images/no/such/json"))
            }
            #expect(error?.httpError.status == .notFound)
            #expect(error?.message == "No such image: no/such")
        }
    }

    @Test("containers: list, inspect, logs, stop, remove")
    func containers() async throws {
        try await withRoutes { agent, router in
            _ = try await agent.images.load(archive: TestImage.archive.get())
            let networking = try BareNetworking(folder: agent.configuration.runDirectory + "/net")
            let worker = try await agent.startTasks(nodeID: "n1", networking: networking)
            let task = makeTask("echo out; echo err >&2; sleep 600")
            await worker.apply(AssignmentSet(sequence: 1, tasks: [task], networkState: NetworkState()))
            try await eventually { await worker.tasks().first?.status.state == .running }

            let list = try #require(try await json(router, HTTPRequest(.get, "/containers/json")) as? [[String: Any]])
            #expect(list.count == 1)
            #expect(list[0]["Names"] as? [String] == ["/web.1.\(task.id)"])
            #expect(list[0]["State"] as? String == "running")
            #expect((list[0]["Status"] as? String)?.hasPrefix("Up ") == true)
            #expect((list[0]["Labels"] as? [String: String])?["com.docker.swarm.task.id"] == task.id)
            let id = try #require(list[0]["Id"] as? String)
            let byLabel = try await json(
                router,
                HTTPRequest(
                    .get, "/containers/json", query: [("filters", "{\"label\":[\"com.docker.swarm.service.name=db\"]}")]
                ))
            #expect((byLabel as? [Any])?.isEmpty == true)

            let details =
                try await json(router, HTTPRequest(.get, "/containers/\(id.prefix(12))/json")) as? [String: Any]
            let state = details?["State"] as? [String: Any]
            #expect(state?["Running"] as? Bool == true)
            #expect((state?["Pid"] as? Int ?? 0) > 1)

            try await eventually {
                let response = try await router.respond(
                    to: HTTPRequest(.get, "/v1.47/containers/web.1.\(task.id)/logs?stdout=1&stderr=1&tail=all"))
                #expect(response.headers["Content-Type"] == RawStreamFrame.contentType)
                let bytes = try await response.body.collect(upTo: 4096)
                return bytes == [1, 0, 0, 0, 0, 0, 0, 4] + Array("out\n".utf8) + [2, 0, 0, 0, 0, 0, 0, 4]
                    + Array("err\n".utf8)
            }
            let older = try await router.respond(
                to: HTTPRequest(.get, "/v1.41/containers/\(id)/logs?stdout=1&timestamps=1&tail=1"))
            #expect(older.headers["Content-Type"] == RawStreamFrame.rawContentType)

            // What ends is followed to its end.
            let followed = try await router.respond(to: HTTPRequest(.get, "/containers/\(id)/logs?stdout=1&follow=1"))
            async let all = followed.body.collect(upTo: 4096)
            let stopped = try await router.respond(to: HTTPRequest(.post, "/containers/\(id)/stop?t=0"))
            #expect(stopped.status == .noContent)
            #expect(try await all == [1, 0, 0, 0, 0, 0, 0, 4] + Array("out\n".utf8))
            try await eventually { await worker.tasks().first?.status.state == .failed }
            let ended = try #require(
                try await json(router, HTTPRequest(.get, "/containers/json?all=1")) as? [[String: Any]])
            #expect((ended.first?["Status"] as? String)?.hasPrefix("Exited (137) ") == true)
            let removed = try await router.respond(to: HTTPRequest(.delete, "/containers/\(id)"))
            #expect(removed.status == .noContent)
            await worker.stopAll()
            try await eventually { await worker.tasks().isEmpty }
        }
    }

    @Test(
        "instants of log requests",
        arguments: [
            ("1700000000", 1_700_000_000, 0), ("1700000000.5", 1_700_000_000, 500_000_000),
            ("2023-11-14T22:13:20Z", 1_700_000_000, 0),
        ] as [(String, Int64, Int32)])
    func logTimes(_ text: String, _ seconds: Int64, _ nanoseconds: Int32) {
        #expect(LogTime.parse(text) == Timestamp(seconds: seconds, nanoseconds: nanoseconds))
        for bad in ["", "0", "x", "1.x", "99999999999999999999"] { #expect(LogTime.parse(bad) == nil) }
    }
}
