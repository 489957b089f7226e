import HTTP

/// Takes this node out of its cluster.
enum Leave: Command {
    static let syntax = Syntax(
        path: ["leave"], summary: "Take this node out of its cluster",
        options: [.flag("force", short: "f", "also where the cluster then loses a manager, or its last one")])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let query: [(String, String?)] = arguments.flag("force") ? [("force", "1")] : []
        try await session.engine.call(.post, ["swarm", "leave"], query: query)
        session.console.line("This node left the cluster.")
    }
}
