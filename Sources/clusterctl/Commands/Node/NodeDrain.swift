import HTTP
import Model

/// Take all tasks away from nodes, and give them no new ones.
enum NodeDrain: Command {
    static let syntax = Syntax(
        path: ["node", "drain"], summary: "Take all tasks away from nodes, and give them no new ones",
        positionals: [.init("NODE", "id, unique beginning of one, name, or self", .many)])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        try await session.forEach(arguments.positionals) { name in
            let node = try await NodeUpdate.change(name, session) { $0.availability = .drain }
            session.console.line(node.displayName)
        }
    }
}
