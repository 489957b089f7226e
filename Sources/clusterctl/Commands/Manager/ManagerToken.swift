import HTTP
import Model

/// Prints, or replaces, what lets nodes in.
enum ManagerToken: Command {
    static let syntax = Syntax(
        path: ["manager", "token"], summary: "The command that lets a worker or a manager in",
        positionals: [.init("ROLE", "worker or manager")],
        options: [
            .flag("rotate", "make a new token; nodes that are in stay in, the old token opens nothing any more"),
            .flag("quiet", short: "q", "print only the token"),
        ])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        guard let role = NodeRole(rawValue: arguments.positionals[0]) else {
            throw arguments.usage("ROLE '\(arguments.positionals[0])': wanted is worker or manager")
        }
        if arguments.flag("rotate") {
            let swarm = try await session.engine.fetch(SwarmTokens.self, ["swarm"])
            try await session.engine.call(
                .post, ["swarm", "update"],
                query: [
                    ("version", "\(swarm.version.index)"),
                    ("rotateWorkerToken", role == .worker ? "true" : "false"),
                    ("rotateManagerToken", role == .manager ? "true" : "false"),
                ], json: swarm.spec)
        }
        let join = try await JoinCommand.load(session.engine)
        switch session.format {
        case .json, .template:
            try session.show([
                .object([
                    "Role": .string(role.rawValue), "Token": .string(join.token(role)),
                    "Address": .string(join.address),
                ])
            ])
        case .table where arguments.flag("quiet"): session.console.line(join.token(role))
        case .table:
            session.console.line("To add a \(role.rawValue), run on it:\n\n    \(join.command(role))")
        }
    }
}
