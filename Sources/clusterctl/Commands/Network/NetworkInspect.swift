import HTTP
import Model

/// All that is known of networks.
enum NetworkInspect: Command {
    static let syntax = Syntax(
        path: ["network", "inspect"], summary: "All that is known of networks",
        positionals: [.init("NETWORK", "id, unique beginning of one, or name", .many)])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        var networks: [JSONValue] = []
        for name in arguments.positionals {
            networks.append(try await session.engine.fetch(JSONValue.self, ["networks", name]))
        }
        try session.show(networks)
    }
}
