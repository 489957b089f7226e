import HTTP
import Model

/// Make workers of managers.
enum NodeDemote: Command {
    static let syntax = Syntax(
        path: ["node", "demote"], summary: "Make workers of managers, in place: their tasks go on",
        positionals: [.init("NODE", "id, unique beginning of one, name, or self", .many)],
        options: RoleWait.options,
        notes: [
            "It is refused for the last manager, and where the managers that are left and up would be no majority. One that leads "
                + "has another one lead first. One that is down becomes a worker when it comes back."
        ])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        try await RoleWait.change(to: .worker, arguments, in: session)
    }
}
