import HTTP
import Model
import Platform
import Store
import Testing

@testable import Manager

/// What clients send that cannot be, or is not supported: an answer that says so, and a server that goes on.
@Suite(.timeLimit(.minutes(1))) struct RefusalTests {
    /// Fields of the container, the task or the service that no agent heeds.
    static let unsupported: [(String, String)] = [
        (#","Privileges":{"CredentialSpec":{"File":"x"}}"#, "Privileges.CredentialSpec.File"),
        (#","Privileges":{"NoNewPrivileges":true}"#, "Privileges.NoNewPrivileges"),
        (#","Isolation":"hyperv""#, "Isolation"), (#","OomScoreAdj":-500"#, "OomScoreAdj"),
        (#","DNSConfig":{"Nameservers":["192.0.2.53"]}"#, "DNSConfig.Nameservers"),
        (#","Healthcheck":{"Test":["CMD","true"]}"#, "Healthcheck"), (#","Init":true"#, "Init"),
        (#","OpenStdin":true"#, "OpenStdin"), (#","Mounts":[{"Type":"volume","Target":"/a"}]"#, "volume"),
        (
            #","Mounts":[{"Type":"bind","Source":"/a","Target":"/b","BindOptions":{"Propagation":"shared"}}]"#,
            "Mounts[0].BindOptions.Propagation"
        ),
    ]

    @Test(arguments: unsupported) func whatNoAgentHeedsIsNamed(field: String, path: String) async throws {
        try await TestAPI.run { api in
            let answer = try await api.call(.post, "/services/create", TestAPI.service("web", container: field))
            #expect(answer.status == 501 && answer.text.contains(path), "\(answer.text)")
            #expect(api.cluster.snapshot.count(Service.self) == 0)
        }
    }

    static let unsupportedTasks: [(String, String)] = [
        (#","PluginSpec":{"Name":"p"}"#, "TaskTemplate.PluginSpec.Name"),
        (#","LogDriver":{"Name":"syslog"}"#, "syslog"),
        (#","LogDriver":{"Name":"json-file","Options":{"max-size":"1m"}}"#, "LogDriver.Options"),
        (#","Runtime":"plugin""#, "plugin"),
        (
            #","Resources":{"Reservations":{"GenericResources":[{"DiscreteResourceSpec":{"Kind":"gpu","Value":1}}]}}"#,
            "GenericResources"
        ),
    ]

    @Test(arguments: unsupportedTasks) func whatNoPlannerHeedsIsNamed(field: String, path: String) async throws {
        try await TestAPI.run { api in
            let answer = try await api.call(.post, "/services/create", TestAPI.service("web", task: field))
            #expect(answer.status == 501 && answer.text.contains(path), "\(answer.text)")
        }
    }

    /// As the docker command sends them, whatever its user said.
    static let harmless = [
        #","Isolation":"default","DNSConfig":{},"Init":false,"Sysctls":null"#,
        #","Privileges":{"CredentialSpec":null,"SELinuxContext":null},"Healthcheck":{"Test":["NONE"]}"#,
        #","DNSConfig":{"Search":["a.b"],"Options":["ndots:2"]},"Hosts":["192.0.2.1 a"],"Groups":["100"]"#,
        #","Sysctls":{"net.core.somaxconn":"9"},"Ulimits":[{"Name":"nofile","Soft":9,"Hard":9}]"#,
        #","Mounts":[{"Type":"tmpfs","Target":"/t","TmpfsOptions":{"SizeBytes":9,"Mode":448}}],"StopSignal":"SIGINT""#,
    ]

    @Test(arguments: harmless) func whatSaysNothingIsTaken(fields: String) async throws {
        try await TestAPI.run { api in
            let answer = try await api.call(.post, "/services/create", TestAPI.service("web", container: fields))
            #expect(answer.status == 201, "\(answer.text)")
        }
    }

    static let invalid: [(String, String)] = [
        ("", ""), ("", "{"), ("", "null"), ("", "[]"), ("", "\"x\""), ("", "{\"Name\":1}"), ("", "{\"Name\":\"web\"}"),
        ("", "\u{1F4A5}"), ("", String(repeating: "[", count: 100_000)),
        ("", String(repeating: "{\"a\":", count: 400) + "1" + String(repeating: "}", count: 400)),
        (
            "",
            TestAPI.service(
                "web", more: ",\"X\":" + String(repeating: "[", count: 60) + String(repeating: "]", count: 60))
        ),
        ("", TestAPI.service("")), ("", TestAPI.service("-web")), ("", TestAPI.service("we b")),
        ("", TestAPI.service("wéb")), ("", TestAPI.service(String(repeating: "a", count: 64))),
        ("", #"{"Name":"web","TaskTemplate":{"ContainerSpec":{"Image":""}}}"#),
        ("", #"{"Name":"web","TaskTemplate":{}}"#),
        (#","Mode":{"Replicated":{"Replicas":-1}}"#, "m"), (#","Mode":{"Replicated":{"Replicas":1e30}}"#, "m"),
        (#","Mode":{"Replicated":{"Replicas":100001}}"#, "m"), (#","Mode":{"Replicated":{},"Global":{}}"#, "m"),
        (#","UpdateConfig":{"Delay":-1}"#, "m"), (#","UpdateConfig":{"MaxFailureRatio":1.5}"#, "m"),
        (#","UpdateConfig":{"FailureAction":"explode"}"#, "m"), (#","UpdateConfig":{"Order":"sideways"}"#, "m"),
        (#","RollbackConfig":{"Monitor":-9223372036854775808}"#, "m"),
        (#","EndpointSpec":{"Ports":[{"TargetPort":0}]}"#, "m"),
        (#","EndpointSpec":{"Ports":[{"TargetPort":80,"PublishedPort":65536}]}"#, "m"),
        (#","EndpointSpec":{"Ports":[{"TargetPort":80,"PublishedPort":4294967296}]}"#, "m"),
        (#","EndpointSpec":{"Mode":"dnsrr","Ports":[{"TargetPort":80}]}"#, "m"),
        (#","EndpointSpec":{"Mode":"magic"}"#, "m"),
        (#","Networks":[{"Target":"ingress"}]"#, "m"), (#","Networks":[{"Target":"host"}]"#, "m"),
        (#","Networks":[{"Target":"nowhere"}]"#, "m"), (#","Networks":[{"Target":""}]"#, "m"),
    ]

    @Test(arguments: invalid) func whatCannotBeIsRefused(more: String, body: String) async throws {
        try await TestAPI.run { api in
            let text = body == "m" ? TestAPI.service("web", more: more) : body
            let answer = try await api.call(.post, "/services/create", text)
            #expect((400..<500).contains(answer.status) || answer.status == 501, "\(answer.status) \(answer.text)")
            #expect(answer.member("message")?.isEmpty == false)
            #expect(try await api.get("/services").status == 200)
        }
    }

    static let invalidTasks = [
        #","Placement":{"Constraints":["node.labels.a"]}"#, #","Placement":{"Constraints":["a==b==c"]}"#,
        #","Resources":{"Limits":{"NanoCPUs":1}}"#, #","Resources":{"Limits":{"MemoryBytes":1}}"#,
        #","RestartPolicy":{"Condition":"sometimes"}"#, #","RestartPolicy":{"Delay":-1}"#,
        #","RestartPolicy":{"MaxAttempts":-1}"#, #","RestartPolicy":{"Window":-5}"#,
    ]

    @Test(arguments: invalidTasks) func tasksThatCannotBeAreRefused(field: String) async throws {
        try await TestAPI.run { api in
            let answer = try await api.call(.post, "/services/create", TestAPI.service("web", task: field))
            #expect(answer.status == 400, "\(answer.status) \(answer.text)")
        }
    }

    @Test func moreThanABodyMayBeIsRefused() async throws {
        try await TestAPI.run { api in
            let image = String(repeating: "a", count: HTTPJSON.defaultLimit)
            let answer = try await api.call(
                .post, "/services/create", #"{"Name":"web","TaskTemplate":{"ContainerSpec":{"Image":"\#(image)"}}}"#)
            #expect(answer.status == 413)
        }
    }
}
