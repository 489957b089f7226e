public import Model
public import Store

/// What the API's routes need of the manager beyond the replicated state.
public protocol ClusterOperations: Sendable {
    /// Each manager's part in the Raft group, by node id.
    func managerStatuses() async -> [String: ManagerStatus]

    /// Voters and learners of the Raft group.
    func members() async -> [GroupMember]

    /// The lowest `CommandLevel` of the managers.
    func commandLevel() async -> Int

    /// How the Raft group is set.
    var consensus: ConsensusSettings { get }

    /// Takes a member out of the Raft group; content with one that is not in it.
    func removeMember(place: UInt64) async throws

    /// Has another manager lead, the best one where none is named; returns when one does.
    func transferLeadership(to nodeID: String?) async throws

    /// The log lines as the agents have them, merged; ends with the last one, or, when it follows a service, with the
    /// service. Where an agent is away, a line on stderr says so.
    ///
    /// - Parameter mayGoOn: asked at changes of the state, while the log is followed; it ends with an error where not.
    func logs(
        of subject: LogSubject, _ options: LogOptions, while mayGoOn: @escaping @Sendable (Snapshot) -> Bool
    ) -> AsyncThrowingStream<LogEntry, any Error>
}
