import HTTP

/// Deletes keys.
enum KeyValueRemove: Command {
    static let syntax = Syntax(
        path: ["kv", "rm"], summary: "Delete keys",
        positionals: [.init("KEY", "its name; with --recurse how the names begin", .many)],
        options: [
            .flag("recurse", "all keys that begin with KEY"),
            .value("cas", "INDEX", "only if its ModifyIndex is INDEX"),
        ],
        notes: ["A key that is not there is deleted already. Exits 1 where the condition does not hold."])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let condition = arguments.value("cas")
        if arguments.flag("recurse"), condition != nil {
            throw arguments.usage("--recurse and --cas exclude each other")
        }
        if let condition, UInt64(condition) == nil {
            throw arguments.invalid("cas", condition, "a whole number from 0 up")
        }
        var query: [(String, String?)] = arguments.flag("recurse") ? [("recurse", nil)] : []
        if let condition { query.append(("cas", condition)) }
        try await session.forEach(arguments.positionals) { [query] key in
            guard try await session.keyValueStore.change(.delete, key, query) else {
                throw Failure("\(key) is not at index \(condition ?? "") any more; nothing was deleted")
            }
            session.console.line(key)
        }
    }
}
