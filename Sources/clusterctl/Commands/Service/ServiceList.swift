import HTTP
import Model

/// The services, and how many of their tasks run.
enum ServiceList: Command {
    static let syntax = Syntax(
        path: ["service", "ls"], summary: "The services, and how many of their tasks run",
        options: [.flag("quiet", short: "q", "print only ids")])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let services = try await session.engine.fetch(
            [Fetched<Service>].self, ["services"], query: [("status", "true")])
        let listing = listing(services)
        if arguments.flag("quiet") { session.console.write(listing.ids) } else { try session.show(listing) }
    }

    static func listing(_ services: [Fetched<Service>]) -> Listing {
        Listing(
            [
                "ID": "ID", "NAME": "Name", "MODE": "Mode", "REPLICAS": "Replicas", "IMAGE": "Image", "PORTS": "Ports",
            ],
            rows: services.sorted { ($0.value.name ?? "") < ($1.value.name ?? "") }.map { service in
                let value = service.value
                return .init(
                    cells: [
                        value.id.shortened, value.name ?? "", value.modeText, value.replicasText, value.spec.imageText,
                        value.portsText,
                    ], object: service.raw, id: value.id)
            })
    }
}
