import Foundation
import Glibc
import Model
import Platform
import TestSupport

@testable import Overlay

/// A few "hosts" in network namespaces of their own on one underlay, each with its `NodeNetwork`.
///
/// Call `tearDown()` at the end; namespaces are let go then, and with them all that is in them.
final class TestNetwork: Sendable {
    struct Host: Sendable {
        let id: String
        let namespace: NetworkNamespace
        let address: IPv4Address
        let network: NodeNetwork
        let configuration: NodeNetworkConfiguration
    }

    let directory: String
    let switchboard: NetworkNamespace
    let hosts: [Host]

    static let mtu: UInt32 = 1500

    init(hosts count: Int) throws {
        directory = "/tmp/mo-\(Identifier.randomHex(bytes: 4))"
        try Files.createDirectories(directory)
        switchboard = try NetworkNamespace.create(at: "\(directory)/switchboard")
        let board = switchboard
        try board.run {
            let route = try RouteSession()
            try route.perform(
                RouteSession.createBridge("br0", mac: MACAddress(value: 0x0242_0000_0001), mtu: Self.mtu))
            if let bridge = try route.link(named: "br0") { try route.perform(RouteSession.setUp(bridge.index)) }
        }
        var hosts: [Host] = []
        for index in 1...count {
            let namespace = try NetworkNamespace.create(at: "\(directory)/host\(index)")
            let address = IPv4Address(192, 168, 77, UInt8(index))
            try Self.connect(namespace, index, to: board, IPv4Prefix(address: address, length: 24))
            let id = "node\(index)"
            let configuration = NodeNetworkConfiguration(
                nodeID: id, runDirectory: directory, hostNamespace: namespace, dataPathAddress: address,
                repairInterval: nil)
            hosts.append(
                Host(
                    id: id, namespace: namespace, address: address, network: try NodeNetwork(configuration),
                    configuration: configuration))
        }
        self.hosts = hosts
    }

    private static func connect(
        _ namespace: NetworkNamespace, _ index: Int, to board: NetworkNamespace, _ address: IPv4Prefix
    ) throws {
        try board.run {
            let route = try RouteSession()
            let target = try namespace.descriptor()
            try route.perform(
                RouteSession.createVeth(
                    .init(name: "port\(index)"), .init(name: "eth0", namespace: target.rawValue), mtu: mtu))
            guard let port = try route.link(named: "port\(index)"), let bridge = try route.link(named: "br0") else {
                return
            }
            try route.perform([
                RouteSession.setMaster(port.index, bridge.index), RouteSession.setUp(port.index),
            ])
        }
        try namespace.run {
            let route = try RouteSession()
            guard let link = try route.link(named: "eth0") else { return }
            _ = try Segment.ensure(link, has: address, mtu: mtu, route)
        }
    }

    func tearDown() async {
        for host in hosts { try? await host.network.removeAll() }
        for host in hosts { try? host.namespace.remove() }
        try? switchboard.remove()
        try? Files.remove(directory)
    }

    /// Runs a program of this machine inside a namespace; its standard output.
    static func output(of command: [String], in namespace: NetworkNamespace) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Probe.program("nsenter") ?? "/usr/bin/nsenter")
        process.arguments = ["--net=\(namespace.path)"] + command
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }
}
