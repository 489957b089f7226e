import HTTP
import Model

/// Make workers of managers.
enum ManagerRemove: Command {
    static let syntax = Syntax(
        path: ["manager", "rm"], summary: "Make workers of managers (as 'node demote')",
        positionals: [.init("NODE", "id, unique beginning of one, name, or self", .many)],
        options: RoleWait.options,
        notes: ["'clusterctl node rm --force NODE' takes out one that is gone for good, with its vote."])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        try await RoleWait.change(to: .worker, arguments, in: session)
    }
}
