/// The secrets.
enum SecretList: Command {
    static let syntax = Syntax(path: ["secret", "ls"], summary: "The secrets", options: FileCommands.listOptions)

    static func run(_ arguments: Arguments, in session: Session) async throws {
        try await FileCommands.list(.secret, arguments, session)
    }
}
