import HTTP
import Model

/// What one task's container wrote.
enum TaskLogs: Command {
    static let syntax = Syntax(
        path: ["task", "logs"], summary: "What one task's container wrote",
        positionals: [.init("TASK", "id, or unique beginning of one")], options: LogQuery.options)

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let query = try LogQuery.items(arguments, now: session.now)
        let response = try await session.engine.open(.get, ["tasks", arguments.positionals[0], "logs"], query: query)
        try await LogPrinter.print(response, to: session.console)
    }
}
