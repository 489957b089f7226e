import Platform
import Raft

extension NodeID {
    /// A manager's place in the Raft group, from the id that the cluster knows it by: the first 8 bytes of its SHA-256, and
    /// from there one for each time that it was made a manager again. Node ids are drawn anew for every join, so that no place
    /// is ever given to a member that does not remember how it voted.
    init(of nodeID: String, incarnation: UInt32 = 0) {
        self.init(max(1, Self.first(of: nodeID) &+ UInt64(incarnation)))
    }

    /// The place of whoever holds a certificate.
    init(of peer: PeerIdentity) { self.init(of: peer.nodeID, incarnation: peer.incarnation) }

    /// Which of the node's lives as a manager this is the place of; nil for another node's.
    func incarnation(of nodeID: String) -> UInt32? {
        let distance = value &- Self.first(of: nodeID)
        return self == NodeID(of: nodeID) ? 0 : UInt32(exactly: distance)
    }

    private static func first(of nodeID: String) -> UInt64 {
        Digest.sha256(nodeID).prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }
}
