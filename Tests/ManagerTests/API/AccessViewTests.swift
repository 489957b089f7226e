import Foundation
import HTTP
import Model
import Platform
import Store
import Testing

@testable import Manager

/// Tokens whose policies name labels, as the routes hold them to these.
@Suite(.timeLimit(.minutes(1))) struct AccessViewTests {
    /// One cluster with objects of two teams, and tokens by id.
    private struct Two {
        let api: TestAPI
        /// Writes what is labelled `team=red`.
        let red = "red"
        /// Reads the same.
        let looker = "looker"

        func make(_ id: String, _ rules: [AccessPolicy.Rule]) async throws {
            let token = AccessToken(
                id: id, createdAt: start, name: id, hash: "x", policy: AccessPolicy(rules: rules))
            try await api.cluster.store.update(through: api.cluster.proposer, at: start) { try $0.put(token) }
        }

        func names(_ path: String, as token: String, _ member: String = "Name") async throws -> [String] {
            let answer = try await api.call(.get, path, as: token)
            #expect(answer.status == 200, "\(answer.text)")
            let objects = try JSONSerialization.jsonObject(with: Data(answer.bytes)) as? [[String: Any]] ?? []
            return objects.compactMap { object in
                (object["Spec"] as? [String: Any])?[member] as? String ?? object[member] as? String
            }.sorted()
        }

        func status(
            _ method: HTTPMethod, _ path: String, query: [(String, String?)] = [], _ body: String = "",
            as token: String
        ) async throws -> Int {
            try await api.call(method, path, query: query, body, as: token).status
        }

        func version<Object: ClusterObject>(_ type: Object.Type, _ name: String) -> [(String, String?)] {
            [("version", "\(api.cluster.snapshot.named(type, name).first?.version.index ?? 0)")]
        }
    }

    private func run(_ body: (Two) async throws -> Void) async throws {
        try await TestAPI.run { api in
            let two = Two(api: api)
            let rule = { AccessPolicy.Rule(kind: .any, access: $0, labels: ["team=red"]) }
            try await two.make("red", [rule(.write)])
            try await two.make("looker", [rule(.read)])
            try await api.cluster.addNode("node1234")
            for team in ["red", "blue"] {
                let labels = #","Labels":{"team":"\#(team)"}"#
                _ = try await api.create("\(team)web", more: labels)
                for (path, body) in [
                    ("/networks", #"{"Name":"\#(team)net"\#(labels)}"#),
                    ("/secrets", #"{"Name":"\#(team)secret","Data":"YQ=="\#(labels)}"#),
                    ("/configs", #"{"Name":"\#(team)config","Data":"YQ=="\#(labels)}"#),
                ] {
                    let made = try await api.call(.post, path + "/create", body)
                    try #require(made.status == 201, "\(made.text)")
                }
            }
            try await body(two)
        }
    }

    /// A log that is followed ends when its reader would not be let in any more.
    @Test func aLogThatIsFollowedHeedsWhatChanges() async throws {
        try await run { (two: Two) async throws in
            let service = try #require(two.api.cluster.snapshot.named(Service.self, "redweb").first)
            let query: [(String, String?)] = [("stdout", "1"), ("follow", "1")]
            #expect(try await two.api.call(.get, "/services/redweb/logs", query: query, as: two.red).status == 200)
            #expect(try await two.api.call(.get, "/services/redweb/logs", query: query).status == 200)
            let verdicts = two.api.cluster.members.verdicts
            try #require(verdicts.count == 2)
            let now = { verdicts.map { $0(two.api.cluster.snapshot) } }
            #expect(now() == [true, true])
            try await two.api.cluster.change(Service.self, service.id) { $0.spec.labels = ["team": "blue"] }
            #expect(now() == [false, true])
            try await two.api.cluster.change(Service.self, service.id) { $0.spec.labels = ["team": "red"] }
            #expect(now() == [true, true])
            try await two.api.cluster.write { $0.delete(AccessToken.self, two.red) }
            #expect(now() == [false, true])
        }
    }

    @Test func aListHasWhatTheTokenMayRead() async throws {
        try await run { (two: Two) async throws in
            for (path, names) in [
                ("/services", ["redweb"]), ("/networks", ["rednet"]), ("/secrets", ["redsecret"]),
                ("/configs", ["redconfig"]), ("/nodes", []),
            ] {
                #expect(try await two.names(path, as: two.red) == names)
                #expect(try await two.names(path, as: two.looker) == names)
            }
            #expect(try await two.api.list("/services", filters: "{}").count == 2, "nobody else is bounded")
        }
    }

    @Test func whatItMayNotReadIsAsIfItWereNotThere() async throws {
        try await run { (two: Two) async throws in
            let snapshot = two.api.cluster.snapshot
            let ids = [
                "/services/": snapshot.named(Service.self, "blueweb")[0].id,
                "/networks/": snapshot.named(Network.self, "bluenet")[0].id,
                "/secrets/": snapshot.named(Secret.self, "bluesecret")[0].id,
                "/configs/": snapshot.named(Config.self, "blueconfig")[0].id,
                "/nodes/": snapshot.all(Node.self)[0].id,
            ]
            for (path, id) in ids.sorted(by: { $0.key < $1.key }) {
                // A beginning that several had would say so.
                for reference in [id, String(id.prefix(6)), "absent"] {
                    let answer = try await two.api.call(.get, path + reference, as: two.red)
                    #expect(answer.status == 404 && answer.text.contains("\(reference) not found"), "\(answer.text)")
                }
                let removed = try await two.status(.delete, path + id, as: two.red)
                #expect(removed == 404)
            }
            #expect(try await two.status(.get, "/services/blueweb", as: two.red) == 404)
            #expect(try await two.status(.get, "/services/redweb", as: two.red) == 200)
            #expect(try await two.status(.get, "/services/blueweb/logs", query: [("stdout", "1")], as: two.red) == 404)
        }
    }

    @Test func whatIsMadeCarriesTheLabels() async throws {
        try await run { (two: Two) async throws in
            let (labelled, other) = (#","Labels":{"team":"red","x":"y"}"#, #","Labels":{"team":"blue"}"#)
            for (path, body) in [
                ("/services/create", { TestAPI.service("s", more: $0) }),
                ("/networks/create", { #"{"Name":"s"\#($0)}"# }),
                ("/secrets/create", { #"{"Name":"s","Data":"YQ=="\#($0)}"# }),
                ("/configs/create", { #"{"Name":"s","Data":"YQ=="\#($0)}"# }),
            ] as [(String, (String) -> String)] {
                for wrong in ["", other, #","Labels":{"team":"red "}"#] {
                    let answer = try await two.api.call(.post, path, body(wrong), as: two.red)
                    #expect(answer.status == 403 && answer.text.contains("team=red"), "\(answer.text)")
                }
                #expect(try await two.status(.post, path, body(labelled), as: two.looker) == 403)
                let made = try await two.api.call(.post, path, body(labelled), as: two.red)
                #expect(made.status == 201, "\(made.text)")
            }
        }
    }

    @Test func nothingIsTakenOutOfTheLabelsNorIn() async throws {
        try await run { (two: Two) async throws in
            let (red, blue) = (#","Labels":{"team":"red"}"#, #","Labels":{"team":"blue"}"#)
            func update(_ name: String, _ labels: String, as token: String) async throws -> Int {
                try await two.status(
                    .post, "/services/\(name)/update", query: two.version(Service.self, name),
                    TestAPI.service(name, more: labels), as: token)
            }
            #expect(try await update("redweb", red, as: two.red) == 200)
            #expect(try await update("redweb", red, as: two.looker) == 403, "it may read it")
            #expect(try await update("redweb", blue, as: two.red) == 403)
            #expect(try await update("redweb", "", as: two.red) == 403)
            #expect(try await update("blueweb", red, as: two.red) == 404)
            for (path, name) in [("/secrets", "redsecret"), ("/configs", "redconfig")] {
                let version =
                    path == "/secrets" ? two.version(Secret.self, name) : two.version(Config.self, name)
                for (labels, status) in [(blue, 403), (#","Labels":{}"#, 403), (red, 200)] {
                    let body = #"{"Name":"\#(name)"\#(labels)}"#
                    #expect(
                        try await two.status(.post, "\(path)/\(name)/update", query: version, body, as: two.red)
                            == status)
                }
            }
            // Not by going back to what it was, either.
            #expect(
                try await two.api.call(
                    .post, "/services/redweb/update", query: two.version(Service.self, "redweb"),
                    TestAPI.service("redweb", more: blue)
                ).status == 200)
            #expect(
                try await two.api.call(
                    .post, "/services/redweb/update", query: two.version(Service.self, "redweb"),
                    TestAPI.service("redweb", more: red)
                ).status == 200)
            let back = two.version(Service.self, "redweb") + [("rollback", "previous")]
            #expect(try await two.status(.post, "/services/redweb/update", query: back, as: two.red) == 403)
            for path in ["/services/redweb", "/secrets/redsecret", "/configs/redconfig", "/networks/rednet"] {
                #expect(try await two.status(.delete, path, as: two.looker) == 403)
                let removed = try await two.status(.delete, path, as: two.red)
                #expect(removed == 200 || removed == 204)
            }
        }
    }

    @Test func tasksFollowTheirService() async throws {
        try await run { (two: Two) async throws in
            let snapshot = two.api.cluster.snapshot
            for team in ["red", "blue"] {
                let service = snapshot.named(Service.self, "\(team)web")[0]
                let task = ClusterTask(
                    id: "task\(team)", createdAt: start, spec: service.spec.taskTemplate, serviceID: service.id,
                    serviceName: "\(team)web", slot: 1)
                try await two.api.cluster.store.update(through: two.api.cluster.proposer, at: start) {
                    try $0.put(task)
                }
            }
            #expect(try await two.names("/tasks", as: two.red, "ID") == ["taskred"])
            #expect(try await two.status(.get, "/tasks/taskred", as: two.red) == 200)
            #expect(try await two.status(.get, "/tasks/taskblue", as: two.red) == 404)
            let stdout = [("stdout", String?("1"))]
            #expect(try await two.status(.get, "/tasks/taskred/logs", query: stdout, as: two.red) == 200)
            #expect(try await two.status(.get, "/tasks/taskblue/logs", query: stdout, as: two.red) == 404)
            #expect(try await two.api.call(.delete, "/services/redweb").status == 200)
            #expect(try await two.names("/tasks", as: two.red, "ID") == [], "its service is gone")
        }
    }

    @Test func aServiceReachesWhatItsWriterMayRead() async throws {
        try await run { (two: Two) async throws in
            let snapshot = two.api.cluster.snapshot
            func service(_ name: String, _ secret: String, _ network: String, _ more: String = "") -> String {
                let id = snapshot.named(Secret.self, secret)[0].id
                return TestAPI.service(
                    name,
                    container:
                        #","Secrets":[{"SecretID":"\#(id)","SecretName":"\#(secret)","File":{"Name":"s"}}]\#(more)"#,
                    more: #","Labels":{"team":"red"},"Networks":[{"Target":"\#(network)"}]"#)
            }
            func create(_ body: String) async throws -> TestAPI.Answer {
                try await two.api.call(.post, "/services/create", body, as: two.red)
            }
            #expect(try await create(service("a", "redsecret", "rednet")).status == 201)
            let secret = try await create(service("b", "bluesecret", "rednet"))
            #expect(secret.status == 400 && secret.text.contains("secret not found: bluesecret"), "\(secret.text)")
            let network = try await create(service("b", "redsecret", "bluenet"))
            #expect(network.status == 404 && network.text.contains("network bluenet not found"), "\(network.text)")
            // Files of the node, and what a container is kept from, are for who may all of services.
            let bind = #","Mounts":[{"Type":"bind","Source":"/","Target":"/host"}]"#
            for more in [bind, #","CapabilityAdd":["CAP_SYS_ADMIN"]"#] {
                #expect(try await create(service("b", "redsecret", "rednet", more)).status == 403)
            }
            // What an operator gave a service stays with it, as long as its containers are what they were.
            let given = service("ops", "bluesecret", "bluenet", bind)
            #expect(try await two.api.call(.post, "/services/create", given).status == 201)
            func update(_ body: String) async throws -> Int {
                try await two.status(
                    .post, "/services/ops/update", query: two.version(Service.self, "ops"), body, as: two.red)
            }
            let replicas = #"{"Mode":{"Replicated":{"Replicas":3}},"# + given.trimmingPrefix { $0 != "\"" }
            #expect(try await update(replicas) == 200)
            #expect(try await update(given.replacing("bb:1", with: "evil:1")) != 200)
            let ops = two.api.cluster.snapshot.named(Service.self, "ops")[0]
            #expect(ops.spec.taskTemplate.containerSpec?.image == "bb:1")
            try await two.make("root", [.init(kind: .any, access: .admin, labels: ["team=red"])])
            #expect(
                try await two.status(.post, "/services/create", service("c", "redsecret", "rednet", bind), as: "root")
                    == 201)
        }
    }

    @Test func aNodesRoleIsForItsAdmins() async throws {
        try await run { (two: Two) async throws in
            let node = two.api.cluster.snapshot.all(Node.self)[0]
            func update(_ body: String, as token: String?) async throws -> Int {
                let version = two.api.cluster.snapshot.get(Node.self, node.id)?.version.index ?? 0
                return try await two.api.call(
                    .post, "/nodes/\(node.id)/update", query: [("version", "\(version)")], body, as: token
                ).status
            }
            let spec = { (role: String, label: String) in
                #"{"Role":"\#(role)","Availability":"active","Labels":{\#(label)}}"#
            }
            let (role, other) = node.spec.role == .manager ? ("manager", "worker") : ("worker", "manager")
            try await two.make("writer", [.init(kind: .node, access: .write, labels: ["team=red"])])
            try await two.make("admin", [.init(kind: .node, access: .admin, labels: ["team"])])
            #expect(try await update(spec(role, #""team":"red""#), as: "writer") == 404)
            #expect(try await update(spec(role, #""team":"red""#), as: nil) == 200)
            #expect(try await update(spec(role, #""team":"red","a":"b""#), as: "writer") == 200)
            #expect(try await update(spec(role, #""a":"b""#), as: "writer") == 403)
            #expect(try await update(spec(other, #""team":"red""#), as: "writer") == 403)
            #expect(try await update(spec(other, #""team":"red""#), as: "admin") != 403)
            #expect(try await two.status(.delete, "/nodes/\(node.id)", as: "writer") == 403)
            #expect(try await two.status(.delete, "/nodes/\(node.id)", as: "admin") != 403)
        }
    }

    @Test func aTokenThatIsGoneMayNothing() async throws {
        try await run { (two: Two) async throws in
            for token in ["absent", "x y", String(repeating: "x", count: 10_000)] {
                #expect(try await two.status(.get, "/services", as: token) == 403)
                #expect(
                    try await two.status(.post, "/services/create", TestAPI.service("x"), as: token) == 403)
            }
        }
    }
}
