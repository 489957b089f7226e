import HTTP

/// Removes services and their tasks.
enum ServiceRemove: Command {
    static let syntax = Syntax(
        path: ["service", "rm"], summary: "Remove services with all their tasks",
        positionals: [.init("SERVICE", "id, unique beginning of one, or name", .many)])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        try await session.forEach(arguments.positionals) { name in
            try await session.engine.call(.delete, ["services", name])
            session.console.line(name)
        }
    }
}
