import Model
import Platform
import Raft

/// How a node proves itself until certificates do: every node's key derives from the cluster's, which only managers hold.
enum NodeKey {
    /// HMAC-SHA256(cluster key, "node", role and node id), hexadecimal. The role is in it, so that a worker's key proves
    /// nothing about a manager of the same id.
    static func derive(clusterKey: String, nodeID: String, role: NodeRole) -> String {
        let message = "node \(role.rawValue) \(nodeID)"
        return Digest.hex(Digest.hmacSHA256(key: Array(clusterKey.utf8), message: Array(message.utf8)))
    }
}

extension NodeID {
    /// A manager's place in the Raft group, from the id that the cluster knows it by: the first 8 bytes of its SHA-256.
    /// Node ids are drawn anew for every join, and so are these.
    init(of nodeID: String) {
        let value = Digest.sha256(nodeID).prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        self.init(max(1, value))
    }
}
