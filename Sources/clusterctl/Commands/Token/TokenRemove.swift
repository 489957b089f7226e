import HTTP

/// Takes tokens back.
enum TokenRemove: Command {
    static let syntax = Syntax(
        path: ["token", "rm"], summary: "Take tokens back: they open nothing from then on",
        positionals: [.init("TOKEN", "name, id, or unique beginning of one", .many)])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        try await session.forEach(arguments.positionals) { name in
            try await session.engine.call(.delete, ["tokens", name])
            session.console.line(name)
        }
    }
}
