import HTTP
import Model

/// What this client is, and the daemon it asks.
enum Version: Command {
    static let syntax = Syntax(path: ["version"], summary: "The versions of this client and of the daemon")

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let client = JSONValue.object([
            "Version": .string(EngineAPI.product), "ApiVersion": .string(EngineAPI.newest),
        ])
        let isTable = if case .table = session.format { true } else { false }
        if isTable {
            session.console.line("clusterctl  \(EngineAPI.product)  (Engine API \(EngineAPI.newest))")
        }
        let server = try await session.engine.fetch(Fetched<EngineVersion>.self, ["version"])
        let both = JSONValue.object(["Client": client, "Server": server.raw])
        switch session.format {
        case .table:
            let version = server.value
            session.console.line(
                "clusterd    \(version.version)  (Engine API \(version.minAPIVersion) to \(version.apiVersion), "
                    + "\(version.os) \(version.kernelVersion) \(version.arch))")
        case .json: session.console.line(both.pretty)
        case .template(let template): session.console.line(try template.line(cells: [:], object: both))
        }
    }
}
