import HTTP
import Model

/// Prints, or replaces, what managers are unlocked with.
enum ManagerUnlockKey: Command {
    static let syntax = Syntax(
        path: ["manager", "unlock-key"], summary: "The key that locked managers are unlocked with",
        options: [
            .flag("rotate", "make another; a manager that is down keeps the former one until it was started"),
            .flag("quiet", short: "q", "print only the key"),
        ])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        if arguments.flag("rotate") {
            let state = try await ManagerAutolock.state(session)
            guard state.isLocking else { throw off }
            try await session.engine.call(
                .post, ["swarm", "update"],
                query: [("version", "\(state.version.index)"), ("rotateManagerUnlockKey", "true")], json: state.spec)
        }
        let key = try await load(session)
        guard !key.isEmpty else { throw off }
        session.console.line(arguments.flag("quiet") ? key : explain(key))
    }

    private static let off = Failure(
        "managers do not lock themselves: there is no key", hint: "'clusterctl manager autolock on' makes one.")

    static func load(_ session: Session) async throws -> String {
        try await session.engine.fetch(SwarmUnlockKey.self, ["swarm", "unlockkey"]).unlockKey
    }

    static func explain(_ key: String) -> String {
        "To unlock a manager after it was started, run 'clusterctl unlock' there and give it this key:\n\n    \(key)\n\n"
            + "Keep it where no manager's disk is: without it a manager that is down cannot be brought back."
    }
}
