/// Keeps a file for tasks.
enum ConfigCreate: Command {
    static let syntax = Syntax(
        path: ["config", "create"], summary: "Keep a file for tasks",
        positionals: [
            .init("NAME", "what it is called"), .init("FILE", "its data, less than 500 KB; - for standard input"),
        ],
        options: FileCommands.createOptions)

    static func run(_ arguments: Arguments, in session: Session) async throws {
        try await FileCommands.create(.config, arguments, session)
    }
}
