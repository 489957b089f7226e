import HTTP
import Manager
import Model
import Platform
import Raft
import Store

/// The managers of the cluster as the Raft group sees them.
struct RaftMembers: MemberGroup {
    let raft: RaftNode
    let store: Store
    let links: ClusterLinks

    enum Limits {
        /// Tries to change the members while another change is under way.
        static let changes = 100
        static let changePause: Duration = .milliseconds(100)
    }

    func managerStatuses() async -> [String: ManagerStatus] {
        let status = raft.status
        var statuses: [String: ManagerStatus] = [:]
        for (node, member) in named(status.configuration.voters) {
            let isLeader = member.id == status.leader
            statuses[node.id] = ManagerStatus(
                leader: isLeader ? true : nil,
                reachability: isLeader || status.reachable.contains(member.id) ? .reachable : .unreachable,
                address: member.address,
                differs: status.differing.contains(member.id) || status.isTied ? true : nil)
        }
        return statuses
    }

    func managers() async -> [ManagerEndpoint] { endpoints() }

    var knowsLeader: Bool { raft.knowsLeader }

    func members() async -> [GroupMember] {
        let status = raft.status
        let nodes = whoManagedEver()
        let all = Set(status.configuration.voters + status.configuration.outgoing + status.configuration.learners)
        return all.sorted { ($0.id, $0.address) < ($1.id, $1.address) }.map { member in
            let owner = nodes.lazy.compactMap { node in
                member.id.incarnation(of: node.id).map { (node.id, $0) }
            }.first
            return GroupMember(
                place: member.id.value, nodeID: owner?.0, incarnation: owner?.1 ?? 0, address: member.address,
                isVoter: status.configuration.isVoter(member.id),
                isReachable: member.id == raft.id || status.reachable.contains(member.id),
                isLeader: member.id == raft.id && status.role == .leader)
        }
    }

    func commandLevel() async -> Int { level().level }

    var consensus: ConsensusSettings {
        let settings = raft.settings
        return ConsensusSettings(
            snapshotInterval: settings.snapshotAfterEntries, keepOldSnapshots: 0,
            logEntriesForSlowFollowers: settings.trailingEntries,
            electionTick: Int(settings.shortestElectionTimeout / settings.heartbeatInterval), heartbeatTick: 1)
    }

    // MARK: Changes

    /// A voter that is not there could cost the quorum, so it must answer first.
    func addMember(nodeID: String, incarnation: UInt32, address: String) async throws {
        do {
            let channel = try await links.open(.raft, to: address, expecting: nodeID)
            defer { channel.close() }
            guard channel.peer.incarnation == incarnation else {
                throw ChannelError.wrongPeer(expected: "incarnation \(incarnation)", found: "\(channel.peer)")
            }
        } catch {
            throw HTTPError(
                .badRequest,
                "the new manager does not answer at \(address), its advertise address (\(error)): give it an "
                    + "address at which the other managers reach it")
        }
        let member = Member(id: NodeID(of: nodeID, incarnation: incarnation), address: address)
        try await change {
            do {
                try await raft.addVoter(member)
            } catch  where raft.status.configuration.voters.contains(member) {
                // Somebody else asked for the same.
            }
        }
    }

    func removeMember(place: UInt64) async throws {
        let id = NodeID(place)
        try await change {
            guard raft.status.configuration.contains(id) else { return }
            do {
                try await raft.removeVoter(id)
            } catch let error as RaftError where error.code == .invalidChange {
                guard raft.status.configuration.contains(id) else { return }
                throw error
            }
        }
    }

    func transferLeadership(to nodeID: String?) async throws {
        let target = try nodeID.map { wanted in
            guard let member = named(raft.status.configuration.voters).first(where: { $0.node.id == wanted }) else {
                throw HTTPError(.badRequest, "node \(wanted) is no manager: only a manager can lead")
            }
            return member.member.id
        }
        try await raft.transferLeadership(to: target)
    }

    /// Waits out other changes of the members.
    private func change(_ body: () async throws -> Void) async throws {
        for _ in 0..<Limits.changes {
            do {
                return try await body()
            } catch let error as RaftError where error.code == .changeInProgress {
                try await Task.sleep(for: Limits.changePause)
            }
        }
        throw HTTPError(.serviceUnavailable, "another change of the managers does not end; try again")
    }

    // MARK: Who

    /// All managers, the leader first.
    func endpoints() -> [ManagerEndpoint] {
        let status = raft.status
        let all = named(status.configuration.voters)
        return (all.filter { $0.member.id == status.leader } + all.filter { $0.member.id != status.leader })
            .map { ManagerEndpoint(nodeID: $0.node.id, address: $0.member.address) }
    }

    /// The manager that leads, as far as this one knows.
    func leader() -> ManagerEndpoint? {
        guard let leader = raft.status.leaderMember, let (node, member) = named([leader]).first else { return nil }
        return ManagerEndpoint(nodeID: node.id, address: member.address)
    }

    /// The lowest level of all members, and who has it. One whose node is not in the state yet has announced nothing.
    func level() -> (level: Int, lagging: [String]) {
        let configuration = raft.status.configuration
        let members = configuration.voters + configuration.outgoing + configuration.learners
        let nodes = named(Array(Set(members))).map(\.node)
        let isComplete = nodes.count == Set(members.map(\.id)).count
        let level = nodes.map { $0.description.commandLevel ?? CommandLevel.first }.min() ?? CommandLevel.first
        guard isComplete else { return (CommandLevel.first, ["the manager that is joining"]) }
        let lagging = nodes.filter { ($0.description.commandLevel ?? CommandLevel.first) == level }
        return (level, lagging.map { $0.spec.name ?? $0.description.hostname }.sorted())
    }

    /// Members with the nodes that they are. A member may be ahead of what this state knows of its node.
    private func named(_ members: [Member]) -> [(node: Node, member: Member)] {
        let nodes = whoManagedEver()
        return members.compactMap { member in
            nodes.first { member.id.incarnation(of: $0.id) != nil }.map { ($0, member) }
        }
    }

    private func whoManagedEver() -> [Node] {
        store.snapshot.all(Node.self).filter { $0.spec.role == .manager || $0.role != nil }
    }
}
