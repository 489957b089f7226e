import Glibc
import Platform

/// The event loops of a daemon: each a thread.
struct Loops: Sendable {
    /// The Engine API's connections.
    let api: EventLoop
    /// Accepts the discovery API's connections, and wakes who waits for a change.
    let discovery: EventLoop
    /// Serve them; `discovery` is the first.
    let discoveryWorkers: LoopPool
    /// Connections between nodes.
    let cluster: EventLoop
    /// Containers and their monitors.
    let agent: EventLoop

    private enum Limits {
        static let discoveryWorkers = 8
        /// From so many on each it is mostly many who are told the same: 10,000 watchers on two processors have it after 0.14 s
        /// by two threads, after 0.21 s by one; 64 clients that read are answered by one as quickly.
        static let discoveryCrowd = 512
    }

    init() throws {
        api = try EventLoop(name: "api")
        discovery = try EventLoop(name: "discovery")
        // Half of the processors: on two, a second thread only takes time from the first, and from raft. All where many are served.
        let workers = max(1, min(Limits.discoveryWorkers, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        discoveryWorkers = LoopPool(
            try [discovery] + (1..<workers).map { try EventLoop(name: "discovery-\($0)") }, steady: workers / 2,
            crowd: Limits.discoveryCrowd)
        cluster = try EventLoop(name: "cluster")
        agent = try EventLoop(name: "agent")
    }
}
