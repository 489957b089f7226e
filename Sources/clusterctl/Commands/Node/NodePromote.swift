import HTTP
import Model

/// Make managers of workers.
enum NodePromote: Command {
    static let syntax = Syntax(
        path: ["node", "promote"], summary: "Make managers of workers, in place: their tasks go on",
        positionals: [.init("NODE", "id, unique beginning of one, name, or self", .many)],
        options: RoleWait.options)

    static func run(_ arguments: Arguments, in session: Session) async throws {
        try await RoleWait.change(to: .manager, arguments, in: session)
    }
}
