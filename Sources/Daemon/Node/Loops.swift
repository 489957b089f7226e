import Platform

/// The event loops of a daemon: each a thread.
struct Loops: Sendable {
    /// The Engine API's connections.
    let api: EventLoop
    /// Connections between nodes.
    let cluster: EventLoop
    /// Containers and their monitors.
    let agent: EventLoop

    init() throws {
        api = try EventLoop(name: "api")
        cluster = try EventLoop(name: "cluster")
        agent = try EventLoop(name: "agent")
    }
}
