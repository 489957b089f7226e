import HTTP
import Model

/// Makes a service, or brings the one of that name to what is said.
enum ServiceDeploy: Command {
    static let syntax = Syntax(
        path: ["service", "deploy"], summary: "Make a service, or bring the one of that name to what is said here",
        positionals: [.init("NAME", "what the service is called, and found by in its networks")],
        options: [.required("image", "IMAGE", "what its containers are made from")] + ServiceSpec.options
            + ConvergenceWait.options,
        trailing: "COMMAND ARG...",
        notes: [
            """
            The command line is the whole truth: what an earlier one said and this one does not is gone, except for the
            number of replicas. To change one thing, see 'clusterctl service update'.
            """,
            "It waits until the tasks run, shows what they do, and exits 1 with the reason where they do not come up.",
        ])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let name = arguments.positionals[0]
        // Read once without a predecessor, so that a mistake is told before anything is asked.
        _ = try ServiceSpec.spec(name: name, from: arguments)
        let id = try await Retry.outOfSequence {
            let existing: Service
            do {
                existing = try await session.engine.fetch(
                    Service.self, ["services", name], query: [("insertDefaults", "false")])
            } catch let error as EngineError where error.isNotFound {
                var spec = try ServiceSpec.spec(name: name, from: arguments)
                try await spec.findFiles(session)
                let made = try await session.engine.fetch(
                    Created.self, ["services", "create"], method: .post, json: spec)
                session.console.line("\(name) created (\(made.id))")
                return made.id
            }
            guard existing.name == name else {
                throw Failure("'\(name)' is the id of the service \(existing.name ?? ""), no name for another one")
            }
            var spec = try ServiceSpec.spec(name: name, from: arguments, previous: existing.spec)
            try await spec.findFiles(session)
            try await existing.update(to: spec, session)
            session.console.line("\(name) updated (\(existing.id))")
            return existing.id
        }
        try await ConvergenceWait.run(id, arguments, in: session)
    }
}

/// The answer to a creation.
struct Created: Decodable, Sendable {
    var id: String
    var warnings: [String]?

    enum CodingKeys: String, CodingKey {
        case id = "ID"
        case warnings = "Warnings"
    }
}

extension Service {
    /// Writes another specification, naming the version this one was read at.
    func update(to spec: ServiceSpec, _ session: Session, query: [(String, String?)] = []) async throws {
        try await session.engine.call(
            .post, ["services", id, "update"], query: [("version", "\(version.index)")] + query, json: spec)
    }
}
