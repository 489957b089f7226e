import Manager
import Model
import Raft
import Store

/// The managers of the cluster as the Raft group sees them.
struct RaftMembers: MemberGroup {
    let raft: RaftNode
    let store: Store

    func managerStatuses() async -> [String: ManagerStatus] {
        let status = raft.status
        var statuses: [String: ManagerStatus] = [:]
        for (nodeID, member) in named(status.configuration.voters) {
            let isLeader = member.id == status.leader
            statuses[nodeID] = ManagerStatus(
                leader: isLeader ? true : nil,
                reachability: isLeader || status.reachable.contains(member.id) ? .reachable : .unreachable,
                address: member.address,
                differs: status.differing.contains(member.id) || status.isTied ? true : nil)
        }
        return statuses
    }

    func managers() async -> [ManagerEndpoint] { endpoints() }

    func removeMember(nodeID: String) async throws {
        let id = NodeID(of: nodeID)
        if raft.status.configuration.contains(id) { try await raft.removeVoter(id) }
    }

    /// All managers, the leader first.
    func endpoints() -> [ManagerEndpoint] {
        let status = raft.status
        let all = named(status.configuration.voters)
        return (all.filter { $0.member.id == status.leader } + all.filter { $0.member.id != status.leader })
            .map { ManagerEndpoint(nodeID: $0.nodeID, address: $0.member.address) }
    }

    /// The manager that leads, as far as this one knows.
    func leader() -> ManagerEndpoint? {
        guard let leader = raft.status.leaderMember, let (nodeID, member) = named([leader]).first else { return nil }
        return ManagerEndpoint(nodeID: nodeID, address: member.address)
    }

    /// The lowest level of all members, and who has it. One whose node is not in the state yet has announced nothing.
    func commandLevel() -> (level: Int, lagging: [String]) {
        let configuration = raft.status.configuration
        let members = configuration.voters + configuration.outgoing + configuration.learners
        let nodes = named(Array(Set(members))).map { $0.nodeID }.compactMap { store.snapshot.get(Node.self, $0) }
        let isComplete = nodes.count == Set(members.map(\.id)).count
        let level = nodes.map { $0.description.commandLevel ?? CommandLevel.first }.min() ?? CommandLevel.first
        guard isComplete else { return (CommandLevel.first, ["the manager that is joining"]) }
        let lagging = nodes.filter { ($0.description.commandLevel ?? CommandLevel.first) == level }
        return (level, lagging.map { $0.spec.name ?? $0.description.hostname }.sorted())
    }

    private func named(_ members: [Member]) -> [(nodeID: String, member: Member)] {
        let nodes = store.snapshot.all(Node.self).filter { $0.spec.role == .manager }
        return members.compactMap { member in
            nodes.first { NodeID(of: $0.id) == member.id }.map { ($0.id, member) }
        }
    }
}
