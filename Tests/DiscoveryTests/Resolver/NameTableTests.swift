import Model
import Platform
import Testing

@testable import Discovery

struct NameTableTests {
    static func endpoint(
        _ task: String, of service: String, _ address: String, ready: Bool = true, aliases: [String] = []
    ) throws -> Endpoint {
        Endpoint(
            taskID: task, taskName: "\(service).1.\(task)", serviceID: "id-\(service)", serviceName: service,
            nodeID: "n1", tunnelAddress: .loopback, address: try #require(IPv4Address(address)), aliases: aliases,
            isReady: ready)
    }

    static func network(
        _ id: String, _ name: String, subnet: String, endpoints: [Endpoint] = [], services: [VirtualService] = []
    ) throws -> OverlayNetwork {
        let subnet = try #require(IPv4Prefix(subnet))
        return OverlayNetwork(
            id: id, name: name, vni: 4097, subnet: subnet, gateway: try #require(subnet[offset: 1]),
            endpoints: endpoints, services: services)
    }

    /// `web` behind a virtual address with three tasks, one of them not ready; `cache` in round robin; `idle` without tasks.
    static func state() throws -> NetworkState {
        var ingress = try network(
            "net-in", "ingress", subnet: "10.255.0.0/16",
            services: [VirtualService(id: "id-web", name: "hidden", address: IPv4Address("10.255.0.9"))])
        ingress.isIngress = true
        return NetworkState(
            revision: 7,
            networks: [
                ingress,
                try network(
                    "net-a", "app", subnet: "10.0.1.0/24",
                    endpoints: [
                        endpoint("t1", of: "web", "10.0.1.11", aliases: ["front", "C0FFEE"]),
                        endpoint("t2", of: "web", "10.0.1.12", aliases: ["front"]),
                        endpoint("t3", of: "web", "10.0.1.13", ready: false, aliases: ["late"]),
                        endpoint("t4", of: "cache", "10.0.1.14"), endpoint("t5", of: "cache", "10.0.1.15"),
                    ],
                    services: [
                        VirtualService(
                            id: "id-web", name: "Web", aliases: ["www"], address: IPv4Address("10.0.1.2")),
                        VirtualService(id: "id-cache", name: "cache", address: nil),
                        VirtualService(id: "id-idle", name: "idle", address: nil),
                    ]),
                try network(
                    "net-b", "data_store", subnet: "10.0.2.0/24",
                    endpoints: [endpoint("t6", of: "db", "10.0.2.11"), endpoint("t7", of: "web", "10.0.2.12")],
                    services: [
                        VirtualService(id: "id-db", name: "db", address: IPv4Address("10.0.2.2")),
                        VirtualService(id: "id-web", name: "web", address: IPv4Address("10.0.2.3")),
                    ]),
            ])
    }

    static func view(_ networks: [String]) throws -> NameView {
        NameTable(NameState(try state())).view(of: networks)
    }

    static func addresses(_ name: String, in view: NameView) throws -> [String]? {
        guard case .addresses(let found) = view.resolve(try DomainName(name)) else { return nil }
        return found.ipv4.map(\.description)
    }

    @Test(arguments: [
        ("web", ["10.0.1.2"]), ("WEB", ["10.0.1.2"]), ("www", ["10.0.1.2"]), ("web.app", ["10.0.1.2"]),
        ("tasks.web", ["10.0.1.11", "10.0.1.12"]), ("tasks.www", ["10.0.1.11", "10.0.1.12"]),
        ("tasks.Web.App", ["10.0.1.11", "10.0.1.12"]), ("cache", ["10.0.1.14", "10.0.1.15"]),
        ("tasks.cache", ["10.0.1.14", "10.0.1.15"]), ("idle", []), ("tasks.idle", []), ("late", []),
        ("web.1.t1", ["10.0.1.11"]), ("web.1.t3", []), ("front", ["10.0.1.11", "10.0.1.12"]), ("c0ffee", ["10.0.1.11"]),
        ("localhost", ["127.0.0.1"]), ("a.localhost", ["127.0.0.1"]),
    ])
    func knownNamesResolve(name: String, expected: [String]) throws {
        #expect(try Self.addresses(name, in: Self.view(["net-a"])) == expected)
    }

    @Test(arguments: ["db", "hidden", "example.com", "web.com", "nosuch", "tasks.nosuch", "nosuch.app", "app", "com"])
    func otherNamesAreForeign(name: String) throws {
        #expect(try Self.view(["net-in", "net-a"]).resolve(DomainName(name)) == .foreign)
    }

    @Test func theEarlierNetworkAnswersAndAMissingOneIsPassedOver() throws {
        #expect(try Self.addresses("web", in: Self.view(["net-b", "net-a"])) == ["10.0.2.3"])
        #expect(try Self.addresses("web.app", in: Self.view(["net-b", "net-a"])) == ["10.0.1.2"])
        #expect(try Self.addresses("web.data_store", in: Self.view(["gone", "net-a", "net-b"])) == ["10.0.2.3"])
        #expect(try Self.addresses("db", in: Self.view(["gone", "net-a", "net-b"])) == ["10.0.2.2"])
        #expect(try Self.addresses("web", in: Self.view([])) == nil)
    }

    @Test(arguments: [
        ("11.1.0.10.in-addr.arpa", "web.1.t1.app"), ("2.1.0.10.IN-ADDR.ARPA", "Web.app"),
        ("13.1.0.10.in-addr.arpa", nil), ("200.1.0.10.in-addr.arpa", nil), ("1.0.0.127.in-addr.arpa", "localhost"),
        ("11.0.0.127.in-addr.arpa", nil),
    ])
    func addressesResolveBack(name: String, expected: String?) throws {
        let resolution = try Self.view(["net-a"]).resolve(DomainName(name))
        #expect(try resolution == expected.map { .pointer(try DomainName($0)) } ?? .absent)
    }

    @Test(arguments: [
        "11.2.0.10.in-addr.arpa", "8.8.8.8.in-addr.arpa", "1.0.10.in-addr.arpa", "256.1.0.10.in-addr.arpa",
        "in-addr.arpa", "x.ip6.arpa", "5.\(String(repeating: "0.", count: 31))ip6.arpa",
    ])
    func foreignAddressesAreForwarded(name: String) throws {
        #expect(try Self.view(["net-a"]).resolve(DomainName(name)) == .foreign)
    }

    @Test func ipv6IsAnsweredForwardsAndBackwards() throws {
        let address = try #require(HostAddress("fd00::a"))
        let state = NameState(
            revision: 1,
            networks: [
                NetworkNames(
                    id: "n", name: "six", entries: [NameEntry(name: "web", addresses: [address])],
                    pointers: [NamePointer(address: address, name: "web")])
            ])
        let view = NameTable(state).view(of: ["n"])
        #expect(
            try view.resolve(DomainName("web")) == .addresses(.init(ipv6: [try #require(IPv6Address("fd00::a"))])))
        let reverse = "a." + String(repeating: "0.", count: 27) + "0.0.d.f.ip6.arpa"
        #expect(try view.resolve(DomainName(reverse)) == .pointer(DomainName("web.six")))
    }

    @Test func namesThatAreNoDomainNamesAreLeftOut() throws {
        let entry = NameEntry(name: "a..b", addresses: [])
        let long = NameEntry(name: String(repeating: "x", count: 64), addresses: [])
        let state = NameState(networks: [NetworkNames(id: "n", name: "bad..name", entries: [entry, long])])
        #expect(try NameTable(state).view(of: ["n"]).resolve(DomainName("a.b")) == .foreign)
    }
}
