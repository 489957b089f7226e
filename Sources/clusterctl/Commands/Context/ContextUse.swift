/// Says which cluster is asked from now on.
enum ContextUse: Command {
    static let syntax = Syntax(
        path: ["context", "use"], summary: "Say which cluster is asked from now on",
        positionals: [.init("NAME", "of a context; 'default' is the socket on this machine")])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let name = arguments.positionals[0]
        var contexts = try Contexts.load(session.environment)
        _ = try contexts.find(name)
        contexts.current = name == Contexts.local ? nil : name
        try contexts.save(session.environment)
        session.console.line(name)
    }
}
