import HTTP
import Model

/// The keys with which the manager that is asked seals what it keeps.
enum ManagerDataKey: Command {
    static let syntax = Syntax(
        path: ["manager", "data-key"], summary: "The key that this manager seals its disk with; 'rotate' makes another",
        positionals: [.init("ACTION", "show (which is the default) or rotate", .optional)],
        options: [
            .flag("detach", short: "d", "return at once, without waiting until the former key is forgotten"),
            .value("timeout", "DURATION", "how long to wait (default 5m)"),
        ],
        notes: [
            "Each manager has its own: it is the one that is asked ('--host'). Log, snapshot and database are written anew with the "
                + "next key while everything goes on; then the former is forgotten."
        ])

    private static let interval: Duration = .milliseconds(200)

    static func run(_ arguments: Arguments, in session: Session) async throws {
        switch arguments.positionals.first ?? "show" {
        case "show": try show(try await status(session), session)
        case "rotate":
            var status = try await session.engine.fetch(
                DataKeyStatus.self, ["swarm", "data-key", "rotate"], method: .post)
            if !arguments.flag("detach") { status = try await wait(arguments, in: session) }
            try show(status, session)
        case let other: throw arguments.usage("ACTION '\(other)': wanted is show or rotate")
        }
    }

    private static func status(_ session: Session) async throws -> DataKeyStatus {
        try await session.engine.fetch(DataKeyStatus.self, ["swarm", "data-key"])
    }

    private static func wait(_ arguments: Arguments, in session: Session) async throws -> DataKeyStatus {
        let timeout = Duration.nanoseconds(try arguments.nanoseconds("timeout") ?? 300_000_000_000)
        let start = ContinuousClock.now
        while true {
            let status = try await status(session)
            if status.former.isEmpty { return status }
            guard ContinuousClock.now - start < timeout else {
                throw Failure(
                    "the next key seals; something is still sealed with the former",
                    hint: "The manager goes on with it: 'clusterctl manager data-key' shows when it is done.")
            }
            try await Task.sleep(for: interval)
        }
    }

    private static func show(_ status: DataKeyStatus, _ session: Session) throws {
        let former = status.former.map { "\($0)" }.joined(separator: ", ")
        session.console.line(
            "data key \(status.newest)" + (former.isEmpty ? "" : ", and still needed: \(former)"))
    }
}
