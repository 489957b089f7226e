import HTTP
import Model

/// Enters a cluster.
enum Join: Command {
    static let syntax = Syntax(
        path: ["join"], summary: "Enter a cluster as a worker or a manager, as the token says",
        positionals: [.init("HOST:PORT", "where a manager listens for nodes", .many)],
        options: [
            .required("token", "TOKEN", "as 'clusterctl manager token' prints it on a manager"),
            .value("advertise-addr", "IP[:PORT]", "where the other nodes reach this one"),
            .value("listen-addr", "IP[:PORT]", "where this node listens for the others (default 0.0.0.0:2377)"),
            .value("data-path-addr", "IP", "where the other nodes send the networks' packets to"),
            .value("availability", "WORD", "active, pause or drain (default active)"),
        ])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        guard let token = arguments.value("token"), JoinToken(token) != nil else {
            throw arguments.usage(
                "--token: this is no join token; one begins with SWMTKN-1- and is printed by "
                    + "'clusterctl manager token worker' on a manager")
        }
        let request = SwarmJoinRequest(
            listenAddress: arguments.value("listen-addr") ?? "0.0.0.0:2377",
            advertiseAddress: arguments.value("advertise-addr"),
            dataPathAddress: arguments.value("data-path-addr"),
            remoteAddresses: arguments.positionals.map { $0.contains(":") ? $0 : $0 + ":2377" },
            joinToken: token,
            availability: try arguments.choice("availability", of: NodeAvailability.words)
                .flatMap(NodeAvailability.init))
        try await session.engine.call(.post, ["swarm", "join"], json: request)
        let info = try? await session.engine.fetch(SystemInfo.self, ["info"])
        let role = info?.swarm.controlAvailable == true ? "manager" : "worker"
        session.console.line("This node joined the cluster as a \(role).")
    }
}
