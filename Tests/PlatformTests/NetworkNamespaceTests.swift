import Foundation
import Platform
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)), .enabled(if: Probe.canCreateNetworkNamespaces)) struct NetworkNamespaceTests {
    @Test func loopbackIsUpAndSocketsStayBound() async throws {
        let folder = try TemporaryDirectory()
        let loop = try EventLoop(name: "test-netns")
        defer { loop.stop() }
        let namespace = try NetworkNamespace.create(at: folder.file("ns"))
        #expect(namespace.exists)
        #expect(throws: SystemError.self) { try NetworkNamespace.create(at: folder.file("ns")) }
        let listener = try namespace.run {
            try SocketListener(on: .ipv4(.loopback, 0), loop: loop) { stream in stream.close() }
        }
        // The same address from outside is another machine's.
        await #expect(throws: SystemError.self) {
            try await SocketStream.connect(to: listener.address, loop: loop, timeout: .seconds(1))
        }
        let descriptor = try await namespace.perform {
            let descriptor = Descriptor(owning: try checked(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0), "socket"))
            try checked(
                try listener.address.withSockaddr { connect(descriptor.rawValue, $0, $1) }, "connect")
            return descriptor.release()
        }
        let stream = try SocketStream(adopting: Descriptor(owning: descriptor), loop: loop)
        #expect(try await stream.read(upTo: 1).isEmpty)
        listener.close()
        try namespace.remove()
        try namespace.remove()
        #expect(!namespace.exists)
        #expect(throws: SystemError.self) { try namespace.run {} }
    }
}
