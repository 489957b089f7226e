/// Forgets the names of clusters.
enum ContextRemove: Command {
    static let syntax = Syntax(
        path: ["context", "rm"], summary: "Forget the names of clusters; nothing happens to these, or to any file",
        positionals: [.init("NAME", "of a context", .many)])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        var contexts = try Contexts.load(session.environment)
        for name in arguments.positionals {
            _ = try contexts.find(name)
            contexts.contexts[name] = nil
            if contexts.current == name { contexts.current = nil }
        }
        try contexts.save(session.environment)
        for name in arguments.positionals { session.console.line(name) }
    }
}
