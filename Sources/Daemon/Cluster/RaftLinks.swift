import Model
import Platform
import Raft
import Synchronization

/// Raft's transport: a link to each other member. Raft repeats what is lost, so a full link drops the newest message instead of
/// waiting.
final class RaftLinks: Transport, Sendable {
    private let links: ClusterLinks
    /// Where members are whom this one's configuration does not name yet: a new member's is empty when it first answers.
    private let known: [ManagerEndpoint]
    private let state = Mutex<[NodeID: RaftLink]>([:])
    /// Told of members at whose address nobody listens any more.
    private let whenRefused = Mutex<(@Sendable (NodeID) -> Void)?>(nil)

    init(links: ClusterLinks, known: [ManagerEndpoint]) {
        self.links = links
        self.known = known
    }

    /// Has `body` told of members at whose address nobody listens any more, though there was a channel to them.
    func onRefusal(_ body: @escaping @Sendable (NodeID) -> Void) { whenRefused.withLock { $0 = body } }

    func send(_ message: Message, to peer: NodeID, address: String?) {
        let link = state.withLock { state -> RaftLink? in
            guard let address = address ?? state[peer]?.address ?? known(peer) else { return nil }
            if let link = state[peer], link.address == address { return link }
            state[peer]?.close()
            let link = RaftLink.open(links, to: peer, at: address) { [weak self] in
                self?.whenRefused.withLock { $0 }?(peer)
            }
            state[peer] = link
            return link
        }
        link?.send(message.encoded())
    }

    private func known(_ peer: NodeID) -> String? {
        known.first { peer.incarnation(of: $0.nodeID) != nil }?.address
    }

    func close() {
        let all = state.withLock { state in
            defer { state = [:] }
            return Array(state.values)
        }
        for link in all { link.close() }
    }
}
