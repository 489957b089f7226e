/// Removes secrets.
enum SecretRemove: Command {
    static let syntax = Syntax(
        path: ["secret", "rm"], summary: "Remove secrets that no service uses", positionals: [FileCommands.names])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        try await FileCommands.remove(.secret, arguments, session)
    }
}
