import HTTP
import Model

/// Make managers of workers.
enum ManagerAdd: Command {
    static let syntax = Syntax(
        path: ["manager", "add"], summary: "Make managers of workers (as 'node promote')",
        positionals: [.init("NODE", "id, unique beginning of one, name, or self", .many)],
        options: RoleWait.options)

    static func run(_ arguments: Arguments, in session: Session) async throws {
        try await RoleWait.change(to: .manager, arguments, in: session)
    }
}
