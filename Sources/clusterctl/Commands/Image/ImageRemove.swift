import HTTP

/// Removes images from the node that is asked.
enum ImageRemove: Command {
    static let syntax = Syntax(
        path: ["image", "rm"], summary: "Remove images from this node",
        positionals: [.init("IMAGE", "id or name", .many)],
        options: [.flag("force", short: "f", "also where several names lead to it")])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        try await session.forEach(arguments.positionals) { name in
            let query: [(String, String?)] = arguments.flag("force") ? [("force", "1")] : []
            let removed = try await session.engine.fetch(
                [JSONValue].self, ["images", name], query: query, method: .delete)
            for entry in removed {
                if let tag = entry["Untagged"]?.text { session.console.line("Untagged: \(tag)") }
                if let id = entry["Deleted"]?.text { session.console.line("Deleted: \(id)") }
            }
        }
    }
}
