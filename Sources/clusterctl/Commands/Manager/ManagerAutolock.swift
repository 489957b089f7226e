import HTTP
import Model

/// Has managers seal their keys on their disks, or no longer.
enum ManagerAutolock: Command {
    static let syntax = Syntax(
        path: ["manager", "autolock"],
        summary: "Have managers seal their keys, so that one that starts has to be unlocked",
        positionals: [.init("STATE", "on or off; without it, which of the two it is", .optional)],
        options: [.flag("quiet", short: "q", "print only the key")])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let state = try await state(session)
        switch arguments.positionals.first {
        case nil: session.console.line(state.isLocking ? "on" : "off")
        case "on":
            if !state.isLocking { try await set(true, state, session) }
            let key = try await ManagerUnlockKey.load(session)
            session.console.line(arguments.flag("quiet") ? key : ManagerUnlockKey.explain(key))
        case "off":
            if state.isLocking { try await set(false, state, session) }
            if !arguments.flag("quiet") { session.console.line("Managers start without being unlocked from now on.") }
        case let other?: throw arguments.usage("STATE '\(other)': wanted is on or off")
        }
    }

    private static func set(_ isLocking: Bool, _ state: ClusterState, _ session: Session) async throws {
        try await session.engine.call(
            .post, ["swarm", "update"], query: [("version", "\(state.version.index)")],
            json: state.spec.setting("EncryptionConfig", .object(["AutoLockManagers": .bool(isLocking)])))
    }

    static func state(_ session: Session) async throws -> ClusterState {
        try await session.engine.fetch(ClusterState.self, ["swarm"])
    }

    /// What of `GET /swarm` is needed here; the rest of the specification goes back as it came.
    struct ClusterState: Decodable, Sendable {
        var version: ObjectVersion
        var spec: JSONValue

        var isLocking: Bool {
            if case .bool(true)? = spec["EncryptionConfig"]?["AutoLockManagers"] { true } else { false }
        }

        enum CodingKeys: String, CodingKey {
            case version = "Version"
            case spec = "Spec"
        }
    }
}
