import Model
import Platform
import Raft
import Synchronization
import TestSupport
import Testing

@testable import Daemon

@Suite struct RaftLinksTests {
    private static let authority = CertificateAuthority.make(clusterID: "c1")

    private static func links(_ nodeID: String, _ loop: EventLoop) throws -> ClusterLinks {
        let credentials = try TestCertificates.credentials(of: authority, nodeID, .manager)
        return ClusterLinks(CurrentCredentials(credentials), loop: loop) { _, _ in nil }
    }

    /// A member that restarts closes its channels: the next message goes out on a new one and is not lost with the old.
    @Test func aChannelThatTheOtherEndClosedLosesNoMessage() async throws {
        let loop = try EventLoop(name: "links")
        defer { loop.stop() }
        let received = Mutex<[Term]>([])
        let channels = Mutex<[Channel]>([])
        let host = try Self.links("m1", loop)
        let listener = try ChannelListener(
            on: .ipv4(.loopback, 0), authentication: host.authentication, loop: loop
        ) { channel in
            channels.withLock { $0.append(channel) }
            while let bytes = try? await channel.receiveBytes(), let message = try? Message(decoding: bytes) {
                received.withLock { $0.append(message.term) }
            }
        }
        defer { listener.close() }
        let links = RaftLinks(links: try Self.links("m2", loop), known: [])
        defer { links.close() }
        let (here, there) = (NodeID(of: "m2"), NodeID(of: "m1"))
        let start = ContinuousClock.now
        for term in 1...5 as ClosedRange<UInt64> {
            links.send(
                Message(from: here, to: there, term: Term(term), body: .timeoutNow), to: there,
                address: "\(listener.address)")
            try await eventually { received.withLock { $0.count } == Int(term) }
            for channel in channels.withLock({ $0 }) { channel.close() }
            // Until the end has travelled here.
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(received.withLock { $0 } == (1...5).map { Term($0) })
        // One each, and those that only looked whether somebody is there again.
        let looks = Int((ContinuousClock.now - start) / RaftLink.Limits.lookInterval) + 1
        #expect((5...5 + looks).contains(channels.withLock { $0.count }))
    }

    /// A member whose process has ended is told of: the others need not wait until they miss it.
    @Test func aRefusalIsTold() async throws {
        let loop = try EventLoop(name: "links")
        defer { loop.stop() }
        let channels = Mutex<[Channel]>([])
        let listener = try ChannelListener(
            on: .ipv4(.loopback, 0), authentication: try Self.links("m1", loop).authentication, loop: loop
        ) { channel in
            channels.withLock { $0.append(channel) }
            while (try? await channel.receiveBytes()) ?? nil != nil {}
        }
        let links = RaftLinks(links: try Self.links("m2", loop), known: [])
        defer { links.close() }
        let refused = Mutex<[NodeID]>([])
        links.onRefusal { member in refused.withLock { $0.append(member) } }
        let (here, there) = (NodeID(of: "m2"), NodeID(of: "m1"))
        links.send(
            Message(from: here, to: there, term: 1, body: .timeoutNow), to: there, address: "\(listener.address)")
        try await eventually { channels.withLock { $0.count } == 1 }
        listener.close()
        for channel in channels.withLock({ $0 }) { channel.close() }
        try await eventually { refused.withLock { $0 } == [there] }
    }

    /// Another member that took over an address gets no message that is not for it.
    @Test func anotherMemberAtTheAddressHearsNothing() async throws {
        let loop = try EventLoop(name: "links")
        defer { loop.stop() }
        let received = Mutex(0)
        let channels = Mutex(0)
        let listener = try ChannelListener(
            on: .ipv4(.loopback, 0), authentication: try Self.links("m3", loop).authentication, loop: loop
        ) { channel in
            channels.withLock { $0 += 1 }
            while (try? await channel.receiveBytes()) ?? nil != nil { received.withLock { $0 += 1 } }
        }
        defer { listener.close() }
        let links = RaftLinks(links: try Self.links("m2", loop), known: [])
        defer { links.close() }
        let there = NodeID(of: "m1")
        links.send(
            Message(from: NodeID(of: "m2"), to: there, term: 1, body: .timeoutNow), to: there,
            address: "\(listener.address)")
        try await eventually { channels.withLock { $0 } > 0 }
        try await Task.sleep(for: .milliseconds(50))
        #expect(received.withLock { $0 } == 0)
    }

    /// Who a message is from is what the certificate of its connection says.
    @Test func aMessageInAnothersNameIsRefused() throws {
        let (one, two) = (NodeID(of: "m1"), NodeID(of: "m2"))
        let bytes = Message(from: one, to: two, term: 3, body: .timeoutNow).encoded()
        let peer = { PeerIdentity(nodeID: $0, role: .manager, clusterID: "c1") }
        #expect(try Message(decoding: bytes, sentBy: peer("m1")).from == one)
        for other in ["m2", "m3"] {
            #expect(throws: ChannelError.notAuthentic) { try Message(decoding: bytes, sentBy: peer(other)) }
        }
    }
}
