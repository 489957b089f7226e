import HTTP

/// All that is known of containers.
enum ContainerInspect: Command {
    static let syntax = Syntax(
        path: ["container", "inspect"], summary: "All that is known of containers on this node",
        positionals: [.init("CONTAINER", "id, unique beginning of one, or name", .many)])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        var containers: [JSONValue] = []
        for name in arguments.positionals {
            containers.append(try await session.engine.fetch(JSONValue.self, ["containers", name, "json"]))
        }
        try session.show(containers)
    }
}
