internal import HTTP
public import Model

extension Node {
    /// Makes `wanted` the node's wished role. Who was a manager until it left the group comes back as another member of it.
    mutating func wish(_ wanted: NodeRole) {
        guard wanted != spec.role else { return }
        let current = currentRole
        spec.role = wanted
        if wanted == .manager, current == .worker {
            incarnation = (incarnation ?? 0) + 1
            role = .manager
        } else {
            role = current
        }
    }

    /// Whether the node has said that its certificate is for what the managers take it for.
    var hasItsCertificate: Bool {
        guard let certificate else { return role == nil }
        guard let noted = certificate.role else { return role == nil }
        return noted == currentRole && certificate.incarnation ?? 0 == incarnation ?? 0
    }

    /// Whether what speaks for this life of it as a manager is heard: not after it ended. One that is ahead of this state may be
    /// a manager whose making this member has not learned yet.
    public func isManager(incarnation speaker: UInt32) -> Bool {
        let known = incarnation ?? 0
        return speaker > known || (speaker == known && currentRole == .manager)
    }
}

/// What keeps a node from changing its role, in Docker's words where it has them.
enum RoleChange {
    /// - Parameter level: the lowest `CommandLevel` of the managers.
    static func check(promotionOf node: Node, level: Int) throws(HTTPError) {
        guard node.description.commandLevel ?? 1 >= level else {
            throw refusal(
                "node \(node.id) runs a version that does not know all of the cluster's state: upgrade clusterd on it first"
            )
        }
    }

    /// - Parameter managers: those that are to stay managers besides it, as the state says.
    static func check(demotionOf node: Node, managers: Set<String>, _ group: [GroupMember]) throws(HTTPError) {
        guard !managers.isEmpty else { throw refusal("attempting to demote the last manager of the swarm") }
        guard group.contains(where: { $0.nodeID == node.id && $0.isVoter }) else { return }
        let rest = group.filter { $0.isVoter && $0.nodeID.map(managers.contains) ?? false }
        if let loss = Quorum.loss(leaving: rest) {
            throw refusal("can't remove member from the raft: this would result in a loss of quorum (\(loss))")
        }
    }

    private static func refusal(_ words: String) -> HTTPError {
        HTTPError(.badRequest, "rpc error: code = FailedPrecondition desc = " + words)
    }
}

/// Whether the group can decide.
enum Quorum {
    /// Why these voters alone could decide nothing; nil where they can.
    static func loss(leaving voters: [GroupMember]) -> String? {
        let reachable = voters.count { $0.isReachable }
        guard reachable < voters.count / 2 + 1 else { return nil }
        return "\(reachable) of the \(voters.count) managers that would be left are reachable"
    }
}
