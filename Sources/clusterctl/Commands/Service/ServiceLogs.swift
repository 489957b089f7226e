import HTTP
import Model

/// What a service's containers wrote, wherever they ran.
enum ServiceLogs: Command {
    static let syntax = Syntax(
        path: ["service", "logs"], summary: "What a service's containers wrote, wherever they ran",
        positionals: [.init("SERVICE", "id, unique beginning of one, or name")],
        options: LogQuery.options + [.flag("raw", "lines as they were written, without the task's name before them")])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let query = try LogQuery.items(arguments, now: session.now)
        let service = try await session.engine.fetch(Service.self, ["services", arguments.positionals[0]])
        try await print(["services", service.id, "logs"], service: service.id, query, arguments, session)
    }

    /// Prints a log with the names of the tasks it is from.
    static func print(
        _ path: [String], service: String, _ query: [(String, String?)], _ arguments: Arguments, _ session: Session
    ) async throws {
        guard !arguments.flag("raw") else {
            let response = try await session.engine.open(.get, path, query: query)
            return try await LogPrinter.print(response, to: session.console)
        }
        let tasks = try await session.engine.fetch(
            [ClusterTask].self, ["tasks"], query: [Engine.filters(["service": [service]])])
        let nodes = try await session.nodeNames()
        let names = Dictionary(tasks.map { ($0.id, name($0, nodes)) }, uniquingKeysWith: { first, _ in first })
        let response = try await session.engine.open(.get, path, query: query + [("details", "1")])
        try await LogPrinter.print(response, to: session.console) { names[$0] ?? $0.shortened }
    }

    /// `web.1.k4k6ymtcne9y@host1`, as Docker prints it.
    private static func name(_ task: ClusterTask, _ nodes: [String: String]) -> String {
        "\(task.shortName(nodes: nodes)).\(task.id.shortened)@\(task.nodeID.map { nodes[$0] ?? $0 } ?? "")"
    }
}
