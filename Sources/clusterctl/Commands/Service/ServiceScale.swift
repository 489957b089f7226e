import HTTP
import Model

/// Sets how many tasks services have.
enum ServiceScale: Command {
    static let syntax = Syntax(
        path: ["service", "scale"], summary: "Set how many tasks services have",
        positionals: [.init("SERVICE=N", "a service and its number of tasks", .many)],
        options: ConvergenceWait.options)

    static func run(_ arguments: Arguments, in session: Session) async throws {
        var wanted: [(name: String, replicas: UInt64)] = []
        for word in arguments.positionals {
            let parts = word.split(separator: "=", omittingEmptySubsequences: false)
            guard parts.count == 2, let replicas = UInt64(parts[1]), replicas <= 1_000_000 else {
                throw arguments.usage("'\(word)': wanted is SERVICE=N")
            }
            wanted.append((String(parts[0]), replicas))
        }
        var ids: [String] = []
        for (name, replicas) in wanted {
            let id = try await Retry.outOfSequence {
                let service = try await session.engine.fetch(
                    Service.self, ["services", name], query: [("insertDefaults", "false")])
                var spec = service.spec
                try spec.scale(to: replicas)
                try await service.update(to: spec, session)
                return service.id
            }
            session.console.line("\(name) scaled to \(replicas)")
            ids.append(id)
        }
        for id in ids { try await ConvergenceWait.run(id, arguments, in: session) }
    }
}
