import HTTP
import Model

/// The cluster's tasks.
enum TaskList: Command {
    static let syntax = Syntax(
        path: ["task", "ls"], summary: "The tasks of the cluster, of some services or of a node",
        options: [
            .repeated("service", "SERVICE", "only of this service"),
            .value("node", "NODE", "only on this node; self is the one that is asked"),
            .flag("all", short: "a", "also those that a newer task of the same slot replaced"),
            .flag("no-trunc", "whole ids and messages"),
            .flag("quiet", short: "q", "print only ids"),
        ])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        var query: [(String, String?)] = []
        var services: [String] = []
        for name in arguments.values("service") {
            services.append(try await session.engine.fetch(Service.self, ["services", name]).id)
        }
        if let node = arguments.value("node") {
            let id = try await NodeInspect.load(node, session).value.id
            query.append(
                services.isEmpty ? Engine.filters(["node": [id]]) : Engine.filters(["node": [id], "service": services]))
        } else if !services.isEmpty {
            query.append(Engine.filters(["service": services]))
        }
        var tasks = try await session.engine.fetch([Fetched<ClusterTask>].self, ["tasks"], query: query)
        if !arguments.flag("all") { tasks = TaskListing.current(tasks) }
        let listing = TaskListing.listing(
            tasks, nodes: try await session.nodeNames(), now: session.now, isTruncated: !arguments.flag("no-trunc"))
        if arguments.flag("quiet") { session.console.write(listing.ids) } else { try session.show(listing) }
    }
}
