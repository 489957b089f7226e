/// Gives a secret another value, and the services that use it with it.
enum SecretUpdate: Command {
    static let syntax = Syntax(
        path: ["secret", "update"], summary: "Give a secret another value, and bring the services that use it to that",
        positionals: [
            .init("NAME", "name, id, or unique beginning of one"),
            .init("FILE", "the new data; - for standard input", .optional),
        ], options: FileUpdate.options(.secret), notes: FileUpdate.notes(.secret))

    static func run(_ arguments: Arguments, in session: Session) async throws {
        try await FileUpdate.run(.secret, arguments, in: session)
    }
}
