/// All that is known of configs.
enum ConfigInspect: Command {
    static let syntax = Syntax(
        path: ["config", "inspect"], summary: "All that is known of configs",
        positionals: [FileCommands.names])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        try await FileCommands.inspect(.config, arguments, session)
    }
}
