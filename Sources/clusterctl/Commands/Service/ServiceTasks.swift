import HTTP
import Model

/// The tasks of services: where they are and how they are.
enum ServiceTasks: Command {
    static let syntax = Syntax(
        path: ["service", "ps"], summary: "The tasks of services: where they are and how they are",
        positionals: [.init("SERVICE", "id, unique beginning of one, or name", .many)],
        options: [
            .flag("all", short: "a", "also those that a newer task of the same slot replaced"),
            .flag("no-trunc", "whole ids and messages"),
            .flag("quiet", short: "q", "print only ids"),
        ])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        var tasks: [Fetched<ClusterTask>] = []
        for name in arguments.positionals {
            let service = try await session.engine.fetch(Service.self, ["services", name])
            tasks += try await session.engine.fetch(
                [Fetched<ClusterTask>].self, ["tasks"], query: [Engine.filters(["service": [service.id]])])
        }
        if !arguments.flag("all") { tasks = TaskListing.current(tasks) }
        let listing = TaskListing.listing(
            tasks, nodes: try await session.nodeNames(), now: session.now, isTruncated: !arguments.flag("no-trunc"))
        if arguments.flag("quiet") { session.console.write(listing.ids) } else { try session.show(listing) }
    }
}
