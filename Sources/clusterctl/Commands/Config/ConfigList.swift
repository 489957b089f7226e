/// The configs.
enum ConfigList: Command {
    static let syntax = Syntax(path: ["config", "ls"], summary: "The configs", options: FileCommands.listOptions)

    static func run(_ arguments: Arguments, in session: Session) async throws {
        try await FileCommands.list(.config, arguments, session)
    }
}
