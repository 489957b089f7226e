import HTTP
import Model

/// Brings back what a service was before its last change.
enum ServiceRollback: Command {
    static let syntax = Syntax(
        path: ["service", "rollback"], summary: "Bring back what a service was before its last change",
        positionals: [.init("SERVICE", "id, unique beginning of one, or name")], options: ConvergenceWait.options)

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let name = arguments.positionals[0]
        let id = try await Retry.outOfSequence {
            let service = try await session.engine.fetch(
                Service.self, ["services", name], query: [("insertDefaults", "false")])
            guard service.previousSpec != nil else {
                throw Failure("\(name) has not been changed: there is nothing to go back to")
            }
            try await service.update(to: service.spec, session, query: [("rollback", "previous")])
            return service.id
        }
        session.console.line("\(name) rolled back")
        try await ConvergenceWait.run(id, arguments, in: session)
    }
}
