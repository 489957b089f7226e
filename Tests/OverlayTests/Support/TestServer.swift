import Glibc
import Platform
import Synchronization

@testable import Overlay

/// Answers on one TCP and one UDP port of a namespace with its own name and the address it was asked from.
final class TestServer: Sendable {
    private let isStopped = Atomic<Bool>(false)

    init(
        _ name: String, in namespace: NetworkNamespace, address: IPv4Address = .any, port: UInt16 = 80
    ) throws {
        let stream = try namespace.run { try Self.bound(SOCK_STREAM, address, port) }
        let datagram = try namespace.run { try Self.bound(SOCK_DGRAM, address, port) }
        startThread(named: "tcp-\(name)") { [weak self] in
            defer { close(stream) }
            while let self, !self.isStopped.load(ordering: .relaxed) {
                var peer = sockaddr_in()
                let connection = Self.withAddress(&peer) { accept(stream, $0, $1) }
                guard connection >= 0 else { continue }
                let answer = "\(name) \(IPv4Address(value: UInt32(bigEndian: peer.sin_addr.s_addr)))"
                _ = answer.withCString { send(connection, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
                startThread(named: "tcp-\(name)-conn") { Self.converse(connection, answer) }
            }
        }
        startThread(named: "udp-\(name)") { [weak self] in
            defer { close(datagram) }
            while let self, !self.isStopped.load(ordering: .relaxed) {
                var peer = sockaddr_in()
                var buffer = [UInt8](repeating: 0, count: 512)
                let size = buffer.withUnsafeMutableBytes { bytes in
                    Self.withAddress(&peer) { recvfrom(datagram, bytes.baseAddress, bytes.count, 0, $0, $1) }
                }
                guard size >= 0 else { continue }
                let answer = "\(name) \(IPv4Address(value: UInt32(bigEndian: peer.sin_addr.s_addr)))"
                _ = answer.withCString { text in
                    Self.withAddress(&peer) { sendto(datagram, text, strlen(text), 0, $0, $1.pointee) }
                }
            }
        }
    }

    /// Answers each further request on a connection until the other side ends it.
    private static func converse(_ connection: Int32, _ answer: String) {
        var buffer = [UInt8](repeating: 0, count: 512)
        TestClient.setTimeout(connection, milliseconds: 10_000)
        while buffer.withUnsafeMutableBytes({ recv(connection, $0.baseAddress, $0.count, 0) }) > 0 {
            _ = answer.withCString { send(connection, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
        }
        close(connection)
    }

    func stop() { isStopped.store(true, ordering: .relaxed) }

    private static func bound(_ type: __socket_type, _ address: IPv4Address, _ port: UInt16) throws -> Int32 {
        let descriptor = try checked(socket(AF_INET, Int32(type.rawValue | SOCK_CLOEXEC.rawValue), 0), "socket")
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        TestClient.setTimeout(descriptor, milliseconds: 100)
        try checked(
            try SocketAddress.ipv4(address, port).withSockaddr { bind(descriptor, $0, $1) }, "bind", "\(port)")
        if type == SOCK_STREAM { try checked(listen(descriptor, 16), "listen") }
        return descriptor
    }

    private static func withAddress<T>(
        _ address: inout sockaddr_in, _ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> T
    ) -> T {
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, &length) }
        }
    }
}

/// Asks a `TestServer` from inside a namespace.
enum TestClient {
    static func setTimeout(_ descriptor: Int32, milliseconds: Int) {
        var timeout = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &timeout, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    /// What a TCP server says first, or the name of the error.
    static func askTCP(
        _ address: IPv4Address, _ port: UInt16 = 80, in namespace: NetworkNamespace, milliseconds: Int = 3000
    ) throws -> String {
        let client = try StreamClient(to: address, port, in: namespace, milliseconds: milliseconds)
        return client.greeting
    }

    /// A TCP connection that stays open.
    struct StreamClient: ~Copyable {
        private let descriptor: Descriptor
        let greeting: String

        init(
            to address: IPv4Address, _ port: UInt16 = 80, in namespace: NetworkNamespace, milliseconds: Int = 3000
        ) throws {
            let (number, failure) = try namespace.run { () throws -> (Int32, String?) in
                let socket = Descriptor(owning: try checked(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0), "socket"))
                setTimeout(socket.rawValue, milliseconds: milliseconds)
                let outcome = try SocketAddress.ipv4(address, port).withSockaddr { connect(socket.rawValue, $0, $1) }
                let failure = outcome == 0 ? nil : errno == ECONNREFUSED ? "refused" : "error \(errno)"
                return (socket.release(), failure)
            }
            descriptor = Descriptor(owning: number)
            greeting = failure ?? TestClient.receive(number)
        }

        func ask() -> String {
            _ = "?".withCString { send(descriptor.rawValue, $0, 1, Int32(MSG_NOSIGNAL)) }
            return TestClient.receive(descriptor.rawValue)
        }
    }

    /// One datagram there and one back on a socket of its own.
    static func askUDP(
        _ address: IPv4Address, _ port: UInt16 = 80, in namespace: NetworkNamespace, milliseconds: Int = 3000
    ) throws -> String {
        let client = try DatagramClient(to: address, port, in: namespace, milliseconds: milliseconds)
        return try client.ask()
    }

    fileprivate static func receive(_ descriptor: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 512)
        let size = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
        if size < 0 { return errno == ECONNREFUSED ? "refused" : "error \(errno)" }
        return String(decoding: buffer.prefix(size), as: UTF8.self)
    }

    /// A connected UDP socket that keeps its port, and so its flow.
    struct DatagramClient: ~Copyable {
        private let descriptor: Descriptor

        init(
            to address: IPv4Address, _ port: UInt16 = 80, in namespace: NetworkNamespace, milliseconds: Int = 3000
        ) throws {
            let number = try namespace.run {
                let socket = Descriptor(owning: try checked(socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0), "socket"))
                try checked(
                    try SocketAddress.ipv4(address, port).withSockaddr { connect(socket.rawValue, $0, $1) }, "connect")
                setTimeout(socket.rawValue, milliseconds: milliseconds)
                return socket.release()
            }
            descriptor = Descriptor(owning: number)
        }

        func ask() throws -> String {
            _ = "?".withCString { send(descriptor.rawValue, $0, 1, 0) }
            return TestClient.receive(descriptor.rawValue)
        }
    }
}
