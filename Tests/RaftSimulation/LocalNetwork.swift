package import Raft
import Synchronization

/// Real members in one process: messages go from thread to thread, through the codec.
package final class LocalNetwork: Transport, Sendable {
    private struct State: Sendable {
        var members: [NodeID: RaftNode] = [:]
        var silent: Set<NodeID> = []
    }

    private let state = Mutex(State())

    package init() {}

    package func attach(_ node: RaftNode) { state.withLock { $0.members[node.id] = node } }

    package func detach(_ id: NodeID) { state.withLock { $0.members[id] = nil } }

    /// Neither sends nor receives from now on.
    package func silence(_ id: NodeID) { _ = state.withLock { $0.silent.insert(id) } }

    package func unsilence(_ id: NodeID) { _ = state.withLock { $0.silent.remove(id) } }

    package func send(_ message: Message, to peer: NodeID, address: String?) {
        let node: RaftNode? = state.withLock { state in
            state.silent.contains(peer) || state.silent.contains(message.from) ? nil : state.members[peer]
        }
        guard let node, let copy = try? Message(decoding: message.encoded()) else { return }
        node.receive(copy)
    }
}
