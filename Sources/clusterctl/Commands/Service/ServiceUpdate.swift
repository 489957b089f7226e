import HTTP
import Model

/// Changes some of a service and leaves the rest.
enum ServiceUpdate: Command {
    private static let policies: Set<String> = [
        "limit-cpu", "limit-memory", "limit-pids", "reserve-cpu", "reserve-memory", "restart-condition",
        "restart-delay",
        "restart-max-attempts", "restart-window", "update-parallelism", "update-delay", "update-order",
        "update-failure-action", "update-monitor",
    ]

    static let syntax = Syntax(
        path: ["service", "update"], summary: "Change some of a service and leave the rest",
        positionals: [.init("SERVICE", "id, unique beginning of one, or name")],
        options: ServiceSpec.editOptions + ServiceSpec.options.filter { policies.contains($0.name) }
            + ConvergenceWait.options,
        trailing: "COMMAND ARG...")

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let name = arguments.positionals[0]
        let id = try await Retry.outOfSequence {
            let service = try await session.engine.fetch(
                Service.self, ["services", name], query: [("insertDefaults", "false")])
            var spec = service.spec
            try spec.edit(with: arguments)
            try await spec.editFiles(with: arguments, session)
            try await service.update(to: spec, session)
            return service.id
        }
        session.console.line("\(name) updated")
        try await ConvergenceWait.run(id, arguments, in: session)
    }
}
