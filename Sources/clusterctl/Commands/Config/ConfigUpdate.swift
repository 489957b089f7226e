/// Gives a config another value, and the services that use it with it.
enum ConfigUpdate: Command {
    static let syntax = Syntax(
        path: ["config", "update"], summary: "Give a config another value, and bring the services that use it to that",
        positionals: [
            .init("NAME", "name, id, or unique beginning of one"),
            .init("FILE", "the new data; - for standard input", .optional),
        ], options: FileUpdate.options(.config), notes: FileUpdate.notes(.config))

    static func run(_ arguments: Arguments, in session: Session) async throws {
        try await FileUpdate.run(.config, arguments, in: session)
    }
}
