import HTTP
import Model
import Platform

/// Changes what nodes are, and waits until they are it.
enum RoleWait {
    static let options: [Syntax.Option] = [
        .flag("detach", short: "d", "return at once, without waiting until it is so"),
        .value("timeout", "DURATION", "how long to wait (default 1m)"),
    ]

    private static let interval: Duration = .milliseconds(100)

    static func change(to role: NodeRole, _ arguments: Arguments, in session: Session) async throws {
        let timeout = Duration.nanoseconds(try arguments.nanoseconds("timeout") ?? 60_000_000_000)
        try await session.forEach(arguments.positionals) { name in
            let node = try await NodeInspect.load(name, session).value
            guard node.spec.role != role else {
                return session.console.line("Node \(node.displayName) is a \(role.rawValue) already.")
            }
            try await NodeUpdate.change(node.id, session) { $0.role = role }
            if !arguments.flag("detach") {
                if node.status.state == .ready {
                    try await wait(for: node, role, timeout, in: session)
                } else {
                    session.console.warn(
                        "\(node.displayName) is not there: it becomes a \(role.rawValue) when it comes back.")
                }
            }
            session.console.line(
                role == .manager
                    ? "Node \(node.displayName) promoted to a manager in the swarm."
                    : "Manager \(node.displayName) demoted in the swarm.")
        }
    }

    private static func wait(for node: Node, _ role: NodeRole, _ timeout: Duration, in session: Session) async throws {
        let start = ContinuousClock.now
        while true {
            var word = "no manager answers"
            do {
                let now = try await session.engine.fetch(Node.self, ["nodes", node.id])
                // Somebody else has another wish.
                guard now.spec.role == role else { return }
                if now.is(role) { return }
                word = now.status.message ?? now.status.state.rawValue
            } catch let error as EngineError where error.isTransient {
                // The leader changes, or it was the node that is asked: then it answers for the cluster no more.
                if role == .worker, error.message.contains("not a swarm manager") { return }
            }
            guard ContinuousClock.now - start < timeout else {
                throw Failure(
                    "\(node.displayName) is not a \(role.rawValue) after \(DurationText.human(timeout)) (\(word))",
                    hint:
                        "The managers go on until it is: look at 'clusterctl node ls', and at the log of the leader's clusterd."
                )
            }
            try await Task.sleep(for: interval)
        }
    }
}

extension Node {
    /// Whether it is one, and has said so.
    func `is`(_ role: NodeRole) -> Bool {
        switch role {
        case .manager: managerStatus?.reachability == .reachable
        case .worker: managerStatus == nil && currentRole == .worker && certificate?.role != .manager
        }
    }
}

extension EngineError {
    /// Another attempt may be answered.
    var isTransient: Bool { isWithoutLeader || status >= 500 }
}
