public import Model

/// What tasks need of the node's networks: the worker speaks to this, the daemon says who it is.
public protocol TaskNetworking: Sendable {
    /// Makes the kernel hold the managers' newest state. One that is older than the last is ignored.
    func apply(_ state: NetworkState) async throws

    /// Makes the task's sandbox, or finds it as an earlier process left it, and says what its container needs to know.
    func attach(_ task: ClusterTask) async throws -> ContainerNetwork

    /// Takes the task's sandbox away; content where there is none.
    func detach(_ taskID: String) async throws

    /// Takes away the sandboxes of all other tasks.
    func sweep(keeping taskIDs: Set<String>) async throws
}
