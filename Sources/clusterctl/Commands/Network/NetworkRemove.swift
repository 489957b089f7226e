import HTTP

/// Removes networks.
enum NetworkRemove: Command {
    static let syntax = Syntax(
        path: ["network", "rm"], summary: "Remove networks that nothing uses",
        positionals: [.init("NETWORK", "id, unique beginning of one, or name", .many)])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        try await session.forEach(arguments.positionals) { name in
            try await session.engine.call(.delete, ["networks", name])
            session.console.line(name)
        }
    }
}
