import HTTP
import Model

/// What a container of the node that is asked wrote.
enum ContainerLogs: Command {
    static let syntax = Syntax(
        path: ["container", "logs"], summary: "What a container on this node wrote",
        positionals: [.init("CONTAINER", "id, unique beginning of one, or name")], options: LogQuery.options)

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let query = try LogQuery.items(arguments, now: session.now)
        let response = try await session.engine.open(
            .get, ["containers", arguments.positionals[0], "logs"], query: query)
        try await LogPrinter.print(response, to: session.console)
    }
}
