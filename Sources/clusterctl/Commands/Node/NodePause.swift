import HTTP
import Model

/// Give nodes no new tasks; those they have stay.
enum NodePause: Command {
    static let syntax = Syntax(
        path: ["node", "pause"], summary: "Give nodes no new tasks; those they have stay",
        positionals: [.init("NODE", "id, unique beginning of one, name, or self", .many)])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        try await session.forEach(arguments.positionals) { name in
            let node = try await NodeUpdate.change(name, session) { $0.availability = .pause }
            session.console.line(node.displayName)
        }
    }
}
