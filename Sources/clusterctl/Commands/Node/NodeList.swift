import HTTP
import Model

/// The nodes of the cluster.
enum NodeList: Command {
    static let syntax = Syntax(
        path: ["node", "ls"], summary: "The nodes of the cluster",
        options: [.flag("quiet", short: "q", "print only ids")])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let nodes = try await session.engine.fetch([Fetched<Node>].self, ["nodes"])
        let own = try await session.engine.fetch(SystemInfo.self, ["info"]).swarm.nodeID
        let listing = listing(nodes, own: own)
        if arguments.flag("quiet") { session.console.write(listing.ids) } else { try session.show(listing) }
    }

    static func listing(_ nodes: [Fetched<Node>], own: String) -> Listing {
        let sorted = nodes.sorted { ($0.value.displayName, $0.value.id) < ($1.value.displayName, $1.value.id) }
        return Listing(
            [
                "ID": "ID", "HOSTNAME": "Hostname", "STATUS": "Status", "AVAILABILITY": "Availability",
                "MANAGER": "ManagerStatus", "VERSION": "EngineVersion",
            ],
            rows: sorted.map { node in
                let value = node.value
                return .init(
                    cells: [
                        value.id, value.displayName,
                        value.status.state.rawValue.firstUppercased, value.spec.availability.rawValue.firstUppercased,
                        value.managerText, value.description.engine.engineVersion,
                    ], object: node.raw, id: value.id, mark: value.id == own ? " *" : "")
            })
    }
}
