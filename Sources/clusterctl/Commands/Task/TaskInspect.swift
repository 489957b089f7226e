import HTTP
import Model

/// All that is known of tasks.
enum TaskInspect: Command {
    static let syntax = Syntax(
        path: ["task", "inspect"], summary: "All that is known of tasks",
        positionals: [.init("TASK", "id, or unique beginning of one", .many)])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        var tasks: [JSONValue] = []
        for id in arguments.positionals { tasks.append(try await session.engine.fetch(JSONValue.self, ["tasks", id])) }
        try session.show(tasks)
    }
}
