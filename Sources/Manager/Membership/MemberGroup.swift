public import Model

/// The managers as their consensus group sees them; the daemon answers for it.
public protocol MemberGroup: Sendable {
    /// Each manager's part in the group, by node id.
    func managerStatuses() async -> [String: ManagerStatus]

    /// All managers and where their cluster ports are, the leader first.
    func managers() async -> [ManagerEndpoint]

    /// Takes a manager out of the group; content with one that is not in it.
    func removeMember(nodeID: String) async throws
}
