import HTTP

/// Forgets nodes.
enum NodeRemove: Command {
    static let syntax = Syntax(
        path: ["node", "rm"], summary: "Forget nodes that are down",
        positionals: [.init("NODE", "id, unique beginning of one, or name", .many)],
        options: [.flag("force", short: "f", "also one that is up")])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        try await session.forEach(arguments.positionals) { name in
            let query: [(String, String?)] = arguments.flag("force") ? [("force", "1")] : []
            try await session.engine.call(.delete, ["nodes", name], query: query)
            session.console.line(name)
        }
    }
}
