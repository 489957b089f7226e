internal import Model

/// What the leader has to do so that every node becomes what it is wished to be. Pure: nodes of the state and the group in,
/// steps out; whoever leads next goes on from the same.
///
/// A manager that is to be a worker first leaves the group, then counts as a worker, then gets a certificate that says so and
/// with it stops managing. A worker that is to be a manager first gets its certificate, with which it begins to listen, then a
/// place in the group.
struct RolePlan: Equatable {
    enum Step: Equatable {
        /// The node is to ask for the certificate of what it is.
        case ask(nodeID: String)
        /// It has a manager's and is not in the group, or only learns.
        case admit(nodeID: String, incarnation: UInt32, address: String)
        /// This manager is to be a worker: another one leads first.
        case handOver(to: String)
        /// It is in the group and is not to be; the node where the state has one.
        case expel(place: UInt64, nodeID: String?)
        /// It has left the group: from now on it counts as a worker.
        case retire(nodeID: String)
        /// Has to wait, and for what.
        case wait(nodeID: String, reason: String)
    }

    var steps: [Step] = []
    /// Nodes that were let in and not heard of since, by id.
    var silent: [String] = []

    private let group: [GroupMember]

    init(_ nodes: [Node], _ group: [GroupMember]) {
        self.group = group
        for node in nodes { plan(node, wished: nodes) }
        // Places without a node: it was removed, or has begun a new life since.
        for member in group where !nodes.contains(where: { member.isLife(of: $0) }) && !member.isLeader {
            expel(member, for: member.nodeID)
        }
        silent = nodes.filter { $0.status.state != .ready && $0.status.message == NodeStatus.letIn }.map(\.id)
    }

    private mutating func plan(_ node: Node, wished nodes: [Node]) {
        let member = group.first { $0.isLife(of: node) }
        if node.spec.role == .worker, node.currentRole == .manager {
            guard let member else { return steps.append(.retire(nodeID: node.id)) }
            if member.isLeader { handOver(from: node, nodes) } else { expel(member, for: node.id) }
        } else if !node.hasItsCertificate {
            steps.append(.ask(nodeID: node.id))
        } else if node.spec.role == .manager, member?.isVoter != true {
            steps.append(.admit(nodeID: node.id, incarnation: node.incarnation ?? 0, address: node.addressForManagers))
        }
    }

    private mutating func handOver(from node: Node, _ nodes: [Node]) {
        let successor = group.first { member in
            member.isVoter && member.isReachable && !member.isLeader
                && nodes.contains { member.isLife(of: $0) && $0.spec.role == .manager }
        }
        if let id = successor?.nodeID {
            steps.append(.handOver(to: id))
        } else {
            steps.append(.wait(nodeID: node.id, reason: "no other manager is there to lead"))
        }
    }

    private mutating func expel(_ member: GroupMember, for nodeID: String?) {
        if member.isVoter, let loss = Quorum.loss(leaving: group.filter { $0.isVoter && $0.place != member.place }) {
            steps.append(.wait(nodeID: nodeID ?? "at \(member.address)", reason: "the quorum would be lost: \(loss)"))
        } else {
            steps.append(.expel(place: member.place, nodeID: nodeID))
        }
    }
}

extension GroupMember {
    fileprivate func isLife(of node: Node) -> Bool { nodeID == node.id && incarnation == node.incarnation ?? 0 }
}

extension Node {
    /// Where its cluster port is; the usual port where that was never said.
    var addressForManagers: String { clusterAddress ?? "\(status.address ?? ""):2377" }
}
