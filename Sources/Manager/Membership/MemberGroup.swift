public import Model

/// A member of the consensus group, as the leader sees it.
public struct GroupMember: Sendable, Equatable {
    /// Its id in the group.
    public var place: UInt64
    /// The node of the state that it is; nil where there is none.
    public var nodeID: String?
    /// Which of that node's lives as a manager it is.
    public var incarnation: UInt32
    /// `IP:PORT`
    public var address: String
    /// False for a learner.
    public var isVoter: Bool
    /// Whether it was heard of lately; the leader is.
    public var isReachable: Bool
    public var isLeader: Bool

    public init(
        place: UInt64, nodeID: String?, incarnation: UInt32 = 0, address: String, isVoter: Bool = true,
        isReachable: Bool = true, isLeader: Bool = false
    ) {
        self.place = place
        self.nodeID = nodeID
        self.incarnation = incarnation
        self.address = address
        self.isVoter = isVoter
        self.isReachable = isReachable
        self.isLeader = isLeader
    }
}

/// The managers as their consensus group sees them; the daemon answers for it.
public protocol MemberGroup: Sendable {
    /// Each manager's part in the group, by node id.
    func managerStatuses() async -> [String: ManagerStatus]

    /// All managers and where their cluster ports are, the leader first.
    func managers() async -> [ManagerEndpoint]

    /// Whether this manager knows who leads.
    var knowsLeader: Bool { get }

    /// Voters and learners, sorted by place.
    func members() async -> [GroupMember]

    /// The lowest `CommandLevel` of the managers.
    func commandLevel() async -> Int

    /// How the group is set.
    var consensus: ConsensusSettings { get }

    /// Makes a node a voter, which it may be already: a learner until it has caught up.
    ///
    /// - Throws: `HTTPError` where it does not answer as that node at the address, or is not added.
    func addMember(nodeID: String, incarnation: UInt32, address: String) async throws

    /// Takes a voter or a learner out of the group; content with one that is not in it.
    func removeMember(place: UInt64) async throws

    /// Has another manager lead, the best one where none is named; returns when one does.
    func transferLeadership(to nodeID: String?) async throws
}
