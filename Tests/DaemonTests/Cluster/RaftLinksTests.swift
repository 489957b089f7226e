import Model
import Platform
import Raft
import Synchronization
import TestSupport
import Testing

@testable import Daemon

@Suite struct RaftLinksTests {
    private static func identity(_ nodeID: String) -> NodeIdentity {
        NodeIdentity(
            nodeID: nodeID, clusterID: "c1", role: .manager,
            nodeKey: NodeKey.derive(clusterKey: "key", nodeID: nodeID, role: .manager), clusterKey: "key",
            advertiseAddress: "127.0.0.1:1", dataPathAddress: "127.0.0.1", dataPathPort: 4789, managers: [])
    }

    /// A member that restarts closes its channels: the next message goes out on a new one and is not lost with the old.
    @Test func aChannelThatTheOtherEndClosedLosesNoMessage() async throws {
        let loop = try EventLoop(name: "links")
        defer { loop.stop() }
        let received = Mutex<[Term]>([])
        let channels = Mutex<[Channel]>([])
        let host = ClusterLinks(identity: Self.identity("m1"), loop: loop) { claimed, _ in
            Array(NodeKey.derive(clusterKey: "key", nodeID: claimed.nodeID, role: .manager).utf8)
        }
        let listener = try ChannelListener(
            on: .ipv4(.loopback, 0), authentication: host.authentication, loop: loop
        ) { channel in
            channels.withLock { $0.append(channel) }
            while let bytes = try? await channel.receiveBytes(), let message = try? Message(decoding: bytes) {
                received.withLock { $0.append(message.term) }
            }
        }
        defer { listener.close() }
        let links = RaftLinks(links: ClusterLinks(identity: Self.identity("m2"), loop: loop), known: [:])
        defer { links.close() }
        let (here, there) = (NodeID(of: "m2"), NodeID(of: "m1"))
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
        #expect(channels.withLock { $0.count } == 5)
    }
}
