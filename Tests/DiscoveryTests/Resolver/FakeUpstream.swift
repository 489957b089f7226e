import Glibc
import Platform
import Synchronization

@testable import Discovery

/// A name server that says 192.0.2.1 to everything but `broken.example`, over UDP and TCP on one port of loopback.
final class FakeUpstream: Sendable {
    let address: SocketAddress
    private let udp: Descriptor
    private let listener: SocketListener
    private let watch = Mutex<EventLoop.Watch?>(nil)
    private let names = Mutex<[String]>([])

    var asked: [String] { names.withLock { $0 } }

    init(loop: EventLoop) throws {
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let answers = Mailbox()
        listener = try SocketListener(on: .ipv4(.loopback, 0), loop: loop) { stream in
            Task(executorPreference: loop) {
                var messages = DNSStream(stream)
                while let query = try? await messages.next(), let answer = answers.owner?.answer(query) {
                    try? await messages.send(answer)
                }
                stream.close()
            }
        }
        udp = Descriptor(owning: try checked(socket(AF_INET, type, 0), "socket"))
        address = listener.address
        try checked(try address.withSockaddr { bind(udp.rawValue, $0, $1) }, "bind")
        answers.set(self)
        let watching = try loop.watch(udp.rawValue, for: .readable) { [weak self] _ in self?.receive() }
        watch.withLock { $0 = watching }
    }

    func close() {
        watch.withLock { $0?.cancel() }
        listener.close()
    }

    private func answer(_ bytes: [UInt8]) -> [UInt8]? {
        guard let query = try? DNSMessage(decoding: bytes), let question = query.questions.first else { return nil }
        names.withLock { $0.append(question.name.description) }
        if question.name.description == "broken.example" {
            return DNSMessage(answering: query, .serverFailure).encoded()
        }
        var reply = DNSMessage(answering: query)
        reply.answers = [ResourceRecord(question.name, timeToLive: 60, .a(IPv4Address(192, 0, 2, 1)))]
        return reply.encoded()
    }

    private func receive() {
        var sender = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = withUnsafeMutablePointer(to: &sender) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                recvfrom(udp.rawValue, &bytes, bytes.count, 0, $0, &length)
            }
        }
        guard count > 0, let reply = answer(Array(bytes[..<count])) else { return }
        withUnsafePointer(to: sender) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = sendto(udp.rawValue, reply, reply.count, 0, $0, length)
            }
        }
    }

    /// Lets a closure that is made before the object find it.
    private final class Mailbox: Sendable {
        private struct Box: Sendable { weak var owner: FakeUpstream? }
        private let box = Mutex(Box())

        var owner: FakeUpstream? { box.withLock { $0.owner } }

        func set(_ owner: FakeUpstream) {
            box.withLock { $0.owner = owner }
        }
    }
}
