import Platform

/// The event loops of a daemon: each a thread.
struct Loops: Sendable {
    /// The Engine API's connections.
    let api: EventLoop
    /// The discovery API's connections.
    let discovery: EventLoop
    /// Connections between nodes.
    let cluster: EventLoop
    /// Containers and their monitors.
    let agent: EventLoop

    init() throws {
        api = try EventLoop(name: "api")
        discovery = try EventLoop(name: "discovery")
        cluster = try EventLoop(name: "cluster")
        agent = try EventLoop(name: "agent")
    }
}
