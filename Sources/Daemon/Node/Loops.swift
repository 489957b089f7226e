import Glibc
import Platform

/// The event loops of a daemon: each a thread.
struct Loops: Sendable {
    /// The Engine API's connections.
    let api: EventLoop
    /// Accepts the discovery API's connections, and wakes who waits for a change.
    let discovery: EventLoop
    /// Serve them, in turn; `discovery` is the first.
    let discoveryWorkers: [EventLoop]
    /// Connections between nodes.
    let cluster: EventLoop
    /// Containers and their monitors.
    let agent: EventLoop

    private enum Limits {
        static let discoveryWorkers = 4
    }

    init() throws {
        api = try EventLoop(name: "api")
        discovery = try EventLoop(name: "discovery")
        // Half of the processors: on two, a second thread only takes time from the first, and from raft.
        let workers = max(1, min(Limits.discoveryWorkers, sysconf(Int32(_SC_NPROCESSORS_ONLN)) / 2))
        discoveryWorkers = try [discovery] + (1..<workers).map { try EventLoop(name: "discovery-\($0)") }
        cluster = try EventLoop(name: "cluster")
        agent = try EventLoop(name: "agent")
    }
}
