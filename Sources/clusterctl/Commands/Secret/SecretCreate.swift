/// Keeps what only the tasks that use it may read.
enum SecretCreate: Command {
    static let syntax = Syntax(
        path: ["secret", "create"], summary: "Keep what only the tasks that use it may read",
        positionals: [
            .init("NAME", "what it is called"), .init("FILE", "its data, less than 500 KB; - for standard input"),
        ],
        options: FileCommands.createOptions)

    static func run(_ arguments: Arguments, in session: Session) async throws {
        try await FileCommands.create(.secret, arguments, session)
    }
}
