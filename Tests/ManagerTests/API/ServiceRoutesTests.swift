import HTTP
import Model
import Platform
import Store
import Testing

@testable import Manager

@Suite(.timeLimit(.minutes(1))) struct ServiceRoutesTests {
    @Test func aServiceFromItsCreationToItsEnd() async throws {
        try await TestAPI.run { api in
            let id = try await api.create("web", more: #","Mode":{"Replicated":{"Replicas":2}}"#)
            for reference in [id, "web", "WEB", String(id.prefix(8))] {
                #expect(try await api.get("/v1.44/services/\(reference)").member("ID") == id)
            }
            let update = TestAPI.service("web", container: #","Env":["A=1"]"#)
            let updated = try await api.call(
                .post, "/services/web/update", query: api.version(ofService: id), update)
            #expect(updated.status == 200, "\(updated.text)")
            var service = try #require(api.cluster.snapshot.get(Service.self, id))
            #expect(service.spec.taskTemplate.containerSpec?.env == ["A=1"])
            #expect(service.previousSpec?.mode?.replicated?.replicas == 2)
            #expect(service.specVersion.index > 0)
            let back = try await api.call(
                .post, "/services/web/update", query: api.version(ofService: id) + [("rollback", "previous")])
            #expect(back.status == 200, "\(back.text)")
            service = try #require(api.cluster.snapshot.get(Service.self, id))
            #expect(service.spec.taskTemplate.containerSpec?.env == nil)
            #expect(service.updateStatus?.state == "rollback_started")
            #expect(try await api.call(.delete, "/services/web").status == 200)
            #expect(try await api.get("/services/web").status == 404)
            #expect(try await api.call(.delete, "/services/web").status == 404)
        }
    }

    @Test func aRollbackNeedsSomethingToGoBackTo() async throws {
        try await TestAPI.run { api in
            let id = try await api.create("web")
            let version = api.version(ofService: id)
            let never = try await api.call(
                .post, "/services/web/update", query: version + [("rollback", "previous")])
            #expect(never.status == 400 && never.text.contains("previous spec"))
            #expect(
                try await api.call(.post, "/services/web/update", query: version + [("rollback", "x")]).status == 400)
        }
    }

    @Test func awriteNamesTheVersionItSaw() async throws {
        try await TestAPI.run { api in
            let id = try await api.create("web")
            let version = api.version(ofService: id)
            let body = TestAPI.service("web", container: #","Env":["A=1"]"#)
            for bad in [[], [("version", "x")], [("version", "-1")], [("version", "99999999999999999999")]] {
                #expect(try await api.call(.post, "/services/web/update", query: bad, body).status == 400)
            }
            #expect(try await api.call(.post, "/services/web/update", query: version, body).status == 200)
            let late = try await api.call(.post, "/services/web/update", query: version, body)
            #expect(late.status == 500 && late.text.contains("update out of sequence"))
        }
    }

    @Test func whatCannotChangeDoesNot() async throws {
        try await TestAPI.run { api in
            let id = try await api.create("web")
            for body in [TestAPI.service("other"), TestAPI.service("web", more: #","Mode":{"Global":{}}"#)] {
                let answer = try await api.call(.post, "/services/web/update", query: api.version(ofService: id), body)
                #expect(answer.status == 501, "\(answer.text)")
            }
        }
    }

    @Test func namesAreTakenOnce() async throws {
        try await TestAPI.run { api in
            _ = try await api.create("web")
            for name in ["web", "Web"] {
                let answer = try await api.call(.post, "/services/create", TestAPI.service(name))
                #expect(answer.status == 409 && answer.text.contains("name conflicts"), "\(answer.text)")
            }
        }
    }

    @Test func aPythonClientsModeIsTaken() async throws {
        try await TestAPI.run { api in
            let id = try await api.create("web", more: #","Mode":{"replicated":{"Replicas":3}}"#)
            #expect(api.cluster.snapshot.get(Service.self, id)?.spec.mode?.replicated?.replicas == 3)
        }
    }

    @Test func aPrefixOfSeveralIsAmbiguous() async throws {
        try await TestAPI.run { api in
            try await api.cluster.addService("abc1")
            try await api.cluster.addService("abc2")
            let answer = try await api.get("/services/abc")
            #expect(answer.status == 400 && answer.text.contains("ambiguous"))
            #expect(try await api.get("/services/abc1").status == 200)
        }
    }

    static let ports: [(String, String, Int)] = [
        (#"{"TargetPort":80,"PublishedPort":8080}"#, #"{"TargetPort":81,"PublishedPort":8080}"#, 400),
        (#"{"TargetPort":80,"PublishedPort":8080}"#, #"{"TargetPort":80,"PublishedPort":8081}"#, 201),
        (
            #"{"TargetPort":80,"PublishedPort":8080}"#, #"{"TargetPort":80,"PublishedPort":8080,"Protocol":"udp"}"#,
            201
        ),
        (
            #"{"TargetPort":80,"PublishedPort":8080}"#,
            #"{"TargetPort":80,"PublishedPort":8080,"PublishMode":"host"}"#, 400
        ),
        (
            #"{"TargetPort":80,"PublishedPort":8080,"PublishMode":"host"}"#,
            #"{"TargetPort":80,"PublishedPort":8080,"PublishMode":"host"}"#, 201
        ),
        (#"{"TargetPort":80}"#, #"{"TargetPort":80}"#, 201),
    ]

    /// Also before the allocator has given the first one its ports.
    @Test(arguments: ports) func portsAreOneServices(first: String, second: String, status: Int) async throws {
        try await TestAPI.run { api in
            _ = try await api.create("one", more: #","EndpointSpec":{"Ports":[\#(first)]}"#)
            let answer = try await api.call(
                .post, "/services/create", TestAPI.service("two", more: #","EndpointSpec":{"Ports":[\#(second)]}"#))
            #expect(answer.status == status, "\(answer.text)")
            if status == 400 { #expect(answer.text.contains("already in use by service 'one'")) }
        }
    }

    static let filters: [(String, [String])] = [
        ("", ["api1", "web1", "web2"]), ("{}", ["api1", "web1", "web2"]),
        (#"{"name":{"web":true}}"#, ["web1", "web2"]), (#"{"name":["web"]}"#, ["web1", "web2"]),
        (#"{"name":{"web":false}}"#, ["api1", "web1", "web2"]), (#"{"id":["web1","api"]}"#, ["api1", "web1"]),
        (#"{"label":["tier"]}"#, ["web1"]), (#"{"label":{"tier=front":true}}"#, ["web1"]),
        (#"{"label":["tier=back"]}"#, []), (#"{"mode":["global"]}"#, []),
        (#"{"mode":["replicated"],"name":["api"]}"#, ["api1"]), (#"{"runtime":["plugin"]}"#, []),
    ]

    @Test(arguments: filters) func filtersInBothForms(filter: String, wanted: [String]) async throws {
        try await TestAPI.run { api in
            for id in ["web1", "web2", "api1"] { try await api.cluster.addService(id) }
            try await api.cluster.change(Service.self, "web1") { $0.spec.labels = ["tier": "front"] }
            #expect(try await api.list("/services", filters: filter) == wanted)
        }
    }

    @Test(arguments: ["x", "[]", "{\"name\":1}", "{\"nope\":[\"a\"]}", "{\"name\":[1]}", "\u{0}"])
    func filtersThatAreNoneAreRefused(filter: String) async throws {
        try await TestAPI.run { (api: TestAPI) async throws in
            for path in ["/services", "/tasks", "/nodes", "/networks"] {
                #expect(try await api.get(path, query: [("filters", filter)]).status == 400, "\(path)")
            }
        }
    }

    @Test func statusCountsWhatRuns() async throws {
        try await TestAPI.run { api in
            try await api.cluster.addNode("n1")
            try await api.cluster.addNode("n2", state: .down)
            try await api.cluster.addService("web", replicas: 4)
            try await api.cluster.addTask("t1", node: "n1")
            try await api.cluster.addTask("t2", node: "n2")
            try await api.cluster.addTask("t3", node: "n1", desired: .shutdown)
            try await api.cluster.addTask("t4", node: "n1", state: .complete)
            let answer = try await api.get("/services", query: [("status", "true")]).decode([Service].self)
            #expect(
                answer.first?.serviceStatus == ServiceStatus(runningTasks: 1, desiredTasks: 4, completedTasks: 1))
        }
    }

    @Test(arguments: ["", #","Mode":{}"#, #","Mode":{"Replicated":{}}"#])
    func aServiceWithoutANumberHasOneTask(mode: String) async throws {
        try await TestAPI.run { api in
            let id = try await api.create("web", more: mode)
            #expect(try await api.get("/services/\(id)").decode(Service.self).spec.mode == .replicated(1))
        }
    }
}
