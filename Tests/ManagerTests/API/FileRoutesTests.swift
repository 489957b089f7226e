import HTTP
import Model
import Platform
import Store
import Testing

@testable import Manager

@Suite(.timeLimit(.minutes(1))) struct FileRoutesTests {
    static let value = "aHVudGVyMg=="

    private func create(_ api: TestAPI, _ noun: String, _ name: String, more: String = "") async throws -> String {
        let answer = try await api.call(
            .post, "/\(noun)/create", #"{"Name":"\#(name)","Data":"\#(Self.value)"\#(more)}"#)
        try #require(answer.status == 201, "\(answer.text)")
        return try #require(answer.member("ID"))
    }

    private func version(_ api: TestAPI, _ id: String) -> [(String, String?)] {
        let index =
            api.cluster.snapshot.get(Secret.self, id)?.version.index
            ?? api.cluster.snapshot.get(Config.self, id)?.version.index ?? 0
        return [("version", "\(index)")]
    }

    @Test(arguments: ["secret", "config"]) func fromItsCreationToItsEnd(kind: String) async throws {
        try await TestAPI.run { api in
            let noun = kind + "s"
            #expect(try await api.get("/\(noun)").text == "[]")
            let id = try await create(api, noun, "db", more: #","Labels":{"a":"b"}"#)
            let again = try await api.call(.post, "/\(noun)/create", #"{"Name":"DB","Data":"YQ=="}"#)
            #expect(again.status == 409 && again.text.contains("\(kind) DB already exists"))
            for reference in [id, "db", String(id.prefix(8))] {
                #expect(try await api.get("/\(noun)/\(reference)").member("ID") == id)
            }
            let updated = try await api.call(
                .post, "/\(noun)/\(id)/update", query: version(api, id), #"{"Name":"db","Labels":{"c":"d"}}"#)
            #expect(updated.status == 200, "\(updated.text)")
            #expect(try await api.get("/\(noun)/db").text.contains(#""Labels":{"c":"d"}"#))
            #expect(try await api.call(.delete, "/\(noun)/db").status == 204)
            let gone = try await api.get("/\(noun)/db")
            #expect(gone.status == 404 && gone.text.contains("\(kind) db not found"))
            #expect(try await api.call(.delete, "/\(noun)/\(id)").status == 404)
        }
    }

    @Test func aSecretsDataIsNeverAnswered() async throws {
        try await TestAPI.run { api in
            let id = try await create(api, "secrets", "db")
            let version = version(api, id)
            let answers = [
                try await api.get("/secrets"), try await api.get("/secrets/db"),
                try await api.call(
                    .post, "/secrets/db/update", query: version, #"{"Name":"db","Data":"\#(Self.value)"}"#),
                try await api.call(.post, "/secrets/db/update", query: version, #"{"Name":"db","Data":"b3RoZXI="}"#),
                try await api.call(.post, "/secrets/create", #"{"Name":"db","Data":"\#(Self.value)"}"#),
                try await api.get("/secrets", query: [("filters", #"{"name":["db"]}"#)]),
            ]
            for answer in answers { #expect(!answer.text.contains(Self.value) && !answer.text.contains("hunter2")) }
            #expect(answers[2].status == 200, "the same data says nothing")
            #expect(api.cluster.snapshot.get(Secret.self, id)?.spec.data?.bytes == Array("hunter2".utf8))
        }
    }

    @Test func aConfigsDataIs() async throws {
        try await TestAPI.run { api in
            _ = try await create(api, "configs", "nginx")
            #expect(try await api.get("/configs/nginx").text.contains(#""Data":"\#(Self.value)""#))
        }
    }

    @Test func onlyLabelsChange() async throws {
        try await TestAPI.run { api in
            let id = try await create(api, "secrets", "db")
            let wrong = [#"{"Name":"other"}"#, #"{"Name":"db","Data":"b3RoZXI="}"#]
            for body in wrong {
                let answer = try await api.call(.post, "/secrets/db/update", query: version(api, id), body)
                #expect(answer.status == 400 && answer.text.contains("only updates to Labels are allowed"))
            }
            let stale = try await api.call(.post, "/secrets/db/update", query: [("version", "1")], #"{"Name":"db"}"#)
            #expect(stale.status == 500 && stale.text.contains("update out of sequence"))
            #expect(try await api.call(.post, "/secrets/db/update", #"{"Name":"db"}"#).status == 400)
        }
    }

    static let refused: [(String, Int)] = [
        (#"{"Name":"","Data":"YQ=="}"#, 400), (#"{"Name":"a","Data":""}"#, 400), (#"{"Name":"a"}"#, 400),
        (#"{"Name":"-a","Data":"YQ=="}"#, 400), (#"{"Name":"a b","Data":"YQ=="}"#, 400),
        (#"{"Name":"../a","Data":"YQ=="}"#, 400), (#"{"Name":"a/b","Data":"YQ=="}"#, 400),
        (#"{"Name":"\#(String(repeating: "a", count: 65))","Data":"YQ=="}"#, 400),
        (#"{"Name":"a","Data":"%%%"}"#, 400), (#"{"Name":"a","Data":17}"#, 400), (#"{"Name":["a"]}"#, 400),
        (#"{"Name":"a","Data":"\#(String(repeating: "A", count: (500 << 10) / 3 * 4 + 4))"}"#, 400),
        (#"{"Name":"a","Data":"\#(String(repeating: "A", count: 5 << 20))"}"#, 413),
        (#"{"Name":"a","Data":"YQ==","Driver":{"Name":"vault"}}"#, 501),
        (#"{"Name":"a","Data":"YQ==","Templating":{"Name":"golang"}}"#, 501),
        ("{", 400), ("", 400), ("[]", 400), ("\"x\"", 400), (String(repeating: "[", count: 10_000), 400),
    ]

    @Test(arguments: refused) func whatCannotBeIsRefused(body: String, status: Int) async throws {
        try await TestAPI.run { api in
            for noun in ["secrets", "configs"] {
                let answer = try await api.call(.post, "/\(noun)/create", body)
                #expect(answer.status == status, "\(answer.text)")
            }
            #expect(api.cluster.snapshot.count(Secret.self) + api.cluster.snapshot.count(Config.self) == 0)
        }
    }

    @Test func asMuchAsThereMayBe() async throws {
        try await TestAPI.run { api in
            let data = Base64Bytes([UInt8](repeating: 7, count: FileLimits.dataBytes - 1))
            let body = String(
                decoding: try HTTPJSON.encode(["Name": .string("a"), "Data": .data(data)] as [String: Member]),
                as: UTF8.self)
            #expect(try await api.call(.post, "/secrets/create", body).status == 201)
        }
    }

    private enum Member: Encodable {
        case string(String)
        case data(Base64Bytes)

        func encode(to encoder: any Encoder) throws {
            switch self {
            case .string(let text): try text.encode(to: encoder)
            case .data(let data): try data.encode(to: encoder)
            }
        }
    }

    static let filters: [(String, [String])] = [
        ("", ["db", "dbx", "web"]), (#"{"name":["db"]}"#, ["db", "dbx"]), (#"{"names":{"db":true}}"#, ["db"]),
        (#"{"label":["a=b"]}"#, ["web"]), (#"{"label":{"a":true}}"#, ["web"]), (#"{"name":["db"],"label":["a"]}"#, []),
    ]

    @Test(arguments: filters) func filtersInBothForms(filter: String, wanted: [String]) async throws {
        try await TestAPI.run { api in
            for name in ["db", "dbx"] { _ = try await create(api, "secrets", name) }
            _ = try await create(api, "secrets", "web", more: #","Labels":{"a":"b"}"#)
            let answer = try await api.get("/secrets", query: [("filters", filter)])
            #expect(try answer.decode([Secret].self).map(\.spec.name).sorted() == wanted)
            #expect(try await api.get("/secrets", query: [("filters", #"{"colour":["red"]}"#)]).status == 400)
        }
    }

    // MARK: Services that use them

    private func reference(_ id: String, _ name: String, target: String = "pw", more: String = "") -> String {
        #"{"SecretID":"\#(id)","SecretName":"\#(name)","File":{"Name":"\#(target)","UID":"0","GID":"0","Mode":292\#(more)}}"#
    }

    private func service(_ references: String...) -> String {
        TestAPI.service("web", container: #","Secrets":[\#(references.joined(separator: ","))]"#)
    }

    @Test func inUseItStays() async throws {
        try await TestAPI.run { api in
            let id = try await create(api, "secrets", "db")
            let made = try await api.call(.post, "/services/create", service(reference(id, "db")))
            #expect(made.status == 201, "\(made.text)")
            let refused = try await api.call(.delete, "/secrets/db")
            #expect(refused.status == 400)
            #expect(refused.text.contains("secret 'db' is in use by the following service: web"), "\(refused.text)")
            // While an update is under way, it may have to be taken back.
            let service = try #require(made.member("ID"))
            try await api.cluster.change(Service.self, service) { service in
                service.previousSpec = service.spec
                service.spec.taskTemplate.containerSpec?.secrets = nil
                service.updateStatus = UpdateStatus(state: "updating")
            }
            #expect(try await api.call(.delete, "/secrets/db").status == 400)
            try await api.cluster.change(Service.self, service) { $0.updateStatus?.state = "completed" }
            #expect(try await api.call(.delete, "/secrets/db").status == 204)
            let back = try await api.call(
                .post, "/services/web/update",
                query: api.version(ofService: service) + [("rollback", "previous")])
            #expect(back.status == 400 && back.text.contains("secret not found: db"), "\(back.text)")
        }
    }

    @Test func whatIsNotThereOrNotOfThatNameIsRefused() async throws {
        try await TestAPI.run { api in
            let id = try await create(api, "secrets", "db")
            let config = try await create(api, "configs", "nginx")
            let wrong: [(String, String)] = [
                (service(reference("nosuch", "db")), "secret not found: db"),
                (service(reference(id, "other")), "secret not found: other"),
                (service(reference("x", "a"), reference("y", "b", target: "c")), "secrets not found: a, b"),
                (service(reference(config, "nginx")), "secret not found: nginx"),
                (service(reference("", "db")), "malformed secret reference"),
                (service(reference(id, "")), "malformed secret reference"),
                (
                    service(#"{"SecretID":"\#(id)","SecretName":"db"}"#),
                    "malformed secret reference, no target provided"
                ),
                (service(reference(id, "db", target: "")), "invalid target file name"),
                (service(reference(id, "db", target: "../../etc/shadow")), "invalid target file name"),
                (service(reference(id, "db", target: "/etc/../x")), "invalid target file name"),
                (service(reference(id, "db", target: "/")), "invalid target file name"),
                (service(reference(id, "db", target: "a//b")), "invalid target file name"),
                (service(reference(id, "db", target: "a\\u0000b")), "invalid target file name"),
                (service(reference(id, "db", target: String(repeating: "a", count: 256))), "invalid target file name"),
                (
                    service(reference(id, "db"), reference(id, "db")),
                    "secret references 'db' and 'db' have a conflicting target: 'pw'"
                ),
                (service(reference(id, "db"), reference(id, "db", target: "/run/secrets/pw")), "conflicting target"),
                (service(#"{"SecretID":"\#(id)","SecretName":"db","File":{"Name":"a","UID":"root"}}"#), "UID 'root'"),
                (service(#"{"SecretID":"\#(id)","SecretName":"db","File":{"Name":"a","GID":"-1"}}"#), "GID '-1'"),
                (
                    service(#"{"SecretID":"\#(id)","SecretName":"db","File":{"Name":"a","Mode":2541}}"#),
                    "permission bits"
                ),
                (service(Array(repeating: reference(id, "db"), count: 257).joined(separator: ",")), "at most 256"),
            ]
            for (body, words) in wrong {
                let answer = try await api.call(.post, "/services/create", body)
                #expect(answer.status == 400 && answer.text.contains(words), "\(answer.text) not \(words)")
            }
            #expect(api.cluster.snapshot.count(Service.self) == 0)
            let runtime = TestAPI.service(
                "web", container: #","Configs":[{"ConfigID":"\#(config)","ConfigName":"nginx","Runtime":{}}]"#)
            #expect(try await api.call(.post, "/services/create", runtime).text.contains("malformed config reference"))
        }
    }
}
