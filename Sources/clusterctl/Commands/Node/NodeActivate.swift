import HTTP
import Model

/// Let nodes take tasks again.
enum NodeActivate: Command {
    static let syntax = Syntax(
        path: ["node", "activate"], summary: "Let nodes take tasks again",
        positionals: [.init("NODE", "id, unique beginning of one, name, or self", .many)])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        try await session.forEach(arguments.positionals) { name in
            let node = try await NodeUpdate.change(name, session) { $0.availability = .active }
            session.console.line(node.displayName)
        }
    }
}
