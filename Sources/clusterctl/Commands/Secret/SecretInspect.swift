/// All that is known of secrets, but for their data.
enum SecretInspect: Command {
    static let syntax = Syntax(
        path: ["secret", "inspect"], summary: "All that is known of secrets, but for their data",
        positionals: [FileCommands.names])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        try await FileCommands.inspect(.secret, arguments, session)
    }
}
