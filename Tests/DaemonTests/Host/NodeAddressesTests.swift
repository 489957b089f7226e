import HTTP
import Platform
import Testing

@testable import Daemon

@Suite struct NodeAddressesTests {
    private static func choose(
        advertise: String? = nil, dataPath: String? = nil, port: UInt32? = nil, towards: SocketAddress? = nil,
        _ change: (inout DaemonConfiguration) -> Void = { _ in }
    ) throws -> NodeAddresses {
        var configuration = DaemonConfiguration()
        change(&configuration)
        return try NodeAddresses(
            configuration: configuration, advertise: advertise, dataPath: dataPath, dataPathPort: port,
            towards: towards)
    }

    @Test func requestWinsOverFlagOverListenAddressOverRoute() throws {
        let listen = SocketAddress.ipv4(try #require(IPv4Address("10.1.0.3")), 7000)
        let flag = SocketAddress.ipv4(try #require(IPv4Address("10.1.0.2")), 2377)
        #expect(
            try Self.choose(advertise: "10.1.0.1") { ($0.listenAddress, $0.advertiseAddress) = (listen, flag) }
                .advertise.description == "10.1.0.1:7000")
        #expect(
            try Self.choose { ($0.listenAddress, $0.advertiseAddress) = (listen, flag) }.advertise == flag)
        #expect(try Self.choose { $0.listenAddress = listen }.advertise == listen)
        let towards = SocketAddress.ipv4(.loopback, 2377)
        #expect(try Self.choose(towards: towards).advertise == towards)
    }

    @Test func interfaceNamesAndDataPaths() throws {
        let chosen = try Self.choose(advertise: "lo", dataPath: "10.2.0.1", port: 5000)
        #expect(chosen.advertise.description == "127.0.0.1:2377")
        #expect(chosen.dataPath.description == "10.2.0.1")
        #expect(chosen.dataPathPort == 5000)
        #expect(try Self.choose(advertise: "10.0.0.9:1").dataPath.description == "10.0.0.9")
    }

    @Test(arguments: [
        "nowhere", "0.0.0.0", "0.0.0.0:2377", "[::1]:2377", "unix:///run/x.sock", "10.0.0.1:99999", "10.0.0",
        "10.0.0.1:0", "../../etc/passwd", String(repeating: "9", count: 10_000),
    ])
    func badAdvertiseAddressesAreRefused(text: String) {
        let error = #expect(throws: HTTPError.self) { try Self.choose(advertise: text) }
        #expect(error?.status == .badRequest)
    }

    @Test(arguments: [("x", 4789), ("0.0.0.0", 4789), ("10.0.0.1", 80), ("10.0.0.1", 70_000)] as [(String, UInt32)])
    func badDataPathsAreRefused(address: String, port: UInt32) {
        let error = #expect(throws: HTTPError.self) {
            try Self.choose(advertise: "10.0.0.1", dataPath: address, port: port)
        }
        #expect(error?.status == .badRequest)
    }
}
