/// Removes configs.
enum ConfigRemove: Command {
    static let syntax = Syntax(
        path: ["config", "rm"], summary: "Remove configs that no service uses", positionals: [FileCommands.names])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        try await FileCommands.remove(.config, arguments, session)
    }
}
