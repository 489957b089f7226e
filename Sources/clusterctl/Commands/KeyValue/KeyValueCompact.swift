import HTTP

/// Forgets history.
enum KeyValueCompact: Command {
    static let syntax = Syntax(
        path: ["kv", "compact"], summary: "Forget the history of keys up to a revision; what is there stays",
        positionals: [.init("REVISION", "the last one that nobody watches from any more")])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let text = arguments.positionals[0]
        guard let revision = UInt64(text), revision > 0 else {
            throw arguments.usage("REVISION '\(text)': wanted is a whole number from 1 up")
        }
        _ = try await session.engine.open(
            .put, ["operator", "kv", "compact"], query: [("revision", text)], api: KeyValueStore.api)
        session.console.line(text)
    }
}
