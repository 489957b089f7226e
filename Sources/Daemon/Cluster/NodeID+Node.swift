import Platform
import Raft

extension NodeID {
    /// A manager's place in the Raft group, from the id that the cluster knows it by: the first 8 bytes of its SHA-256.
    /// Node ids are drawn anew for every join, and so are these.
    init(of nodeID: String) {
        let value = Digest.sha256(nodeID).prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        self.init(max(1, value))
    }
}
