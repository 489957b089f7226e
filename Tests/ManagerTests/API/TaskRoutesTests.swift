import HTTP
import Model
import Platform
import Store
import Testing

@testable import Manager

@Suite(.timeLimit(.minutes(1))) struct TaskRoutesTests {
    static let filters: [(String, [String])] = [
        ("", ["t1", "t2", "t3"]), (#"{"service":["web"]}"#, ["t1", "t2"]), (#"{"service":{"db":true}}"#, ["t3"]),
        (#"{"node":["n1"]}"#, ["t1", "t3"]), (#"{"desired-state":["shutdown"]}"#, ["t2"]),
        (#"{"desired-state":{"running":true,"accepted":true}}"#, ["t1", "t3"]), (#"{"id":["t2"]}"#, ["t2"]),
        (#"{"name":["web.1.t1"]}"#, ["t1"]), (#"{"_up-to-date":["true"]}"#, ["t1", "t2"]),
        (#"{"_up-to-date":{"false":true}}"#, ["t3"]), (#"{"label":["a"]}"#, []),
    ]

    @Test(arguments: filters) func filtersInBothForms(filter: String, wanted: [String]) async throws {
        try await TestAPI.run { api in
            try await api.cluster.addNode("n1")
            try await api.cluster.addNode("n2")
            try await api.cluster.addService("web")
            try await api.cluster.addTask("t1", node: "n1")
            try await api.cluster.addTask("t2", node: "n2", desired: .shutdown)
            try await api.cluster.addTask("t3", service: "db", node: "n1")
            #expect(try await api.list("/tasks", filters: filter) == wanted)
            #expect(try await api.get("/tasks/t1").member("ServiceID") == "web")
            #expect(try await api.get("/tasks/t").status == 400)
            #expect(try await api.get("/tasks/zz").status == 404)
        }
    }

    // MARK: Logs

    @Test func aLogIsFramedAsDockersIs() async throws {
        try await TestAPI.run { api in
            try await api.cluster.addService("web")
            api.cluster.members.set([
                LogEntry(timestamp: start, stream: .stderr, taskID: "t1", nodeID: "n1", bytes: Array("oh\n".utf8))
            ])
            let answer = try await api.get(
                "/v1.44/services/web/logs",
                query: [("stdout", "1"), ("stderr", "1"), ("follow", "1"), ("tail", "5"), ("since", "1.5")])
            #expect(answer.bytes == [2, 0, 0, 0, 0, 0, 0, 3] + Array("oh\n".utf8))
            let (subject, options) = try #require(api.cluster.members.asked.first)
            #expect(subject == LogSubject(serviceID: "web"))
            #expect(options.follow && options.tail == 5)
            #expect(options.since == Timestamp(seconds: 1, nanoseconds: 500_000_000))
            let detailed = try await api.get(
                "/services/web/logs", query: [("stderr", "1"), ("details", "1"), ("timestamps", "1")])
            #expect(
                detailed.text.hasSuffix(
                    "\(start.fixedWidth) com.docker.swarm.node.id=n1,com.docker.swarm.service.id=web,"
                        + "com.docker.swarm.task.id=t1 oh\n"))
        }
    }

    @Test(arguments: [
        [], [("stdout", "0")], [("stdout", "1"), ("tail", "x")], [("stdout", "1"), ("since", ".")],
        [("stdout", "1"), ("since", "..")], [("stdout", "1"), ("since", "x.1")], [("stdout", "1"), ("until", "1.x")],
        [("stdout", "1"), ("since", "-9223372036854775808")], [("stdout", "1"), ("since", "1.\u{1F4A5}")],
        [("stdout", "1"), ("since", "99999999999999999999")], [("stdout", "1"), ("until", "1\u{0}")],
    ]) func whatAsksForNoLogIsRefused(query: [(String, String)]) async throws {
        try await TestAPI.run { api in
            try await api.cluster.addService("web")
            let answer = try await api.get("/services/web/logs", query: query.map { ($0.0, $0.1) })
            #expect(answer.status == 400, "\(answer.text)")
            #expect(try await api.get("/services/none/logs", query: [("stdout", "1")]).status == 404)
        }
    }
}
