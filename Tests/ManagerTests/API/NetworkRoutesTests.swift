import HTTP
import Model
import Platform
import Store
import Testing

@testable import Manager

@Suite(.timeLimit(.minutes(1))) struct NetworkRoutesTests {
    private func create(_ api: TestAPI, _ body: String) async throws -> TestAPI.Answer {
        try await api.call(.post, "/networks/create", body)
    }

    @Test func aNetworkFromItsCreationToItsEnd() async throws {
        try await TestAPI.run { api in
            let answer = try await create(
                api,
                #"{"Name":"app","Driver":"overlay","CheckDuplicate":true,"IPAM":{"Config":[{"Subnet":"10.9.0.0/24"}]}}"#
            )
            #expect(answer.status == 201, "\(answer.text)")
            let id = try #require(answer.member("Id"))
            let network = try await api.get("/networks/app").decode(Network.self)
            #expect(network.id == id)
            #expect(network.ipam.config?.first?.gateway == "10.9.0.1")
            #expect(try await api.get("/networks/app", query: [("scope", "local")]).status == 404)
            let again = try await create(api, #"{"Name":"APP"}"#)
            #expect(again.status == 409 && again.text.contains("already exists"))
            #expect(try await api.call(.delete, "/networks/\(id)").status == 204)
            #expect(try await api.call(.delete, "/networks/\(id)").status == 404)
        }
    }

    static let refused: [(String, Int)] = [
        (#"{"Name":""}"#, 400), (#"{"Name":"host"}"#, 403), (#"{"Name":"none"}"#, 403), (#"{"Name":"bridge"}"#, 403),
        (#"{"Name":"a","Driver":"macvlan"}"#, 501), (#"{"Name":"a","EnableIPv6":true}"#, 501),
        (#"{"Name":"a","ConfigOnly":true}"#, 501), (#"{"Name":"a","ConfigFrom":{"Network":"b"}}"#, 501),
        (#"{"Name":"a","Ingress":true}"#, 409), (#"{"Name":"a","Scope":"local"}"#, 400),
        (#"{"Name":"a","Options":{"encrypted":""}}"#, 501),
        (#"{"Name":"a","Options":{"com.docker.network.driver.mtu":"x"}}"#, 400),
        (#"{"Name":"a","Options":{"com.docker.network.driver.mtu":"99999999999"}}"#, 400),
        (#"{"Name":"a","IPAM":{"Driver":"weave"}}"#, 501),
        (#"{"Name":"a","IPAM":{"Config":[{"Subnet":"10.9.0.0/33"}]}}"#, 400),
        (#"{"Name":"a","IPAM":{"Config":[{"Subnet":"10.9.0.1/24"}]}}"#, 400),
        (#"{"Name":"a","IPAM":{"Config":[{"Subnet":"fd00::/64"}]}}"#, 400),
        (#"{"Name":"a","IPAM":{"Config":[{"Subnet":"10.9.0.0/30"}]}}"#, 400),
        (#"{"Name":"a","IPAM":{"Config":[{"Subnet":"10.255.4.0/24"}]}}"#, 403),
        (#"{"Name":"a","IPAM":{"Config":[{"Subnet":"10.9.0.0/24","Gateway":"10.8.0.1"}]}}"#, 400),
        (#"{"Name":"a","IPAM":{"Config":[{"Subnet":"10.9.0.0/24","IPRange":"10.9.0.0/28"}]}}"#, 501),
        (#"{"Name":"a","IPAM":{"Config":[{"Subnet":"10.9.0.0/24"},{"Subnet":"10.8.0.0/24"}]}}"#, 501),
        (#"{"Name":"a","IPAM":{"Config":[{"Subnet":"10.9.0.0/24","AuxiliaryAddresses":{"a":"10.9.0.9"}}]}}"#, 501),
        ("{", 400), ("", 400), ("[]", 400), (#"{"Name":["a"]}"#, 400),
    ]

    @Test(arguments: refused) func whatCannotBeIsRefused(body: String, status: Int) async throws {
        try await TestAPI.run { api in
            let answer = try await create(api, body)
            #expect(answer.status == status, "\(answer.text)")
            #expect(api.cluster.snapshot.count(Network.self) == 1)
        }
    }

    @Test func aNetworkInUseStays() async throws {
        try await TestAPI.run { api in
            try await api.cluster.addNetwork("app", subnet: "10.1.0.0/24", vni: 5000)
            try await api.cluster.addService("web", networks: ["app"])
            let answer = try await api.call(.delete, "/networks/app")
            #expect(answer.status == 409 && answer.text.contains("in use by service web"))
            try await api.cluster.write { $0.delete(Service.self, "web") }
            try await api.cluster.addNode("n1")
            try await api.cluster.addTask("t1", node: "n1", addresses: ["app": "10.1.0.3/24"])
            #expect(try await api.call(.delete, "/networks/app").text.contains("in use by task t1"))
            try await api.cluster.change(ClusterTask.self, "t1") { $0.status.state = .shutdown }
            #expect(try await api.call(.delete, "/networks/app").status == 204)
            #expect(try await api.call(.delete, "/networks/ingress").status == 403)
        }
    }

    static let filters: [(String, [String])] = [
        ("", ["app", "ingressnet"]), (#"{"name":["pp"]}"#, ["app"]), (#"{"driver":{"bridge":true}}"#, []),
        (#"{"scope":["swarm"]}"#, ["app", "ingressnet"]), (#"{"type":["custom"]}"#, ["app"]),
        (#"{"type":["builtin"]}"#, ["ingressnet"]), (#"{"dangling":["true"]}"#, ["app", "ingressnet"]),
        (#"{"dangling":["false"]}"#, []), (#"{"id":["ing"]}"#, ["ingressnet"]),
    ]

    @Test(arguments: filters) func filtersInBothForms(filter: String, wanted: [String]) async throws {
        try await TestAPI.run { api in
            try await api.cluster.addNetwork("app", subnet: "10.1.0.0/24", vni: 5000)
            #expect(try await api.list("/networks", filters: filter, "Id") == wanted)
        }
    }
}
