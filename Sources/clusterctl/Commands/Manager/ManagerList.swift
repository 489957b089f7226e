import HTTP
import Model

/// The managers, and which of them leads.
enum ManagerList: Command {
    static let syntax = Syntax(
        path: ["manager", "ls"], summary: "The managers, and which of them leads",
        options: [.flag("quiet", short: "q", "print only ids")])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let nodes = try await session.engine.fetch([Fetched<Node>].self, ["nodes"])
        var listing = Listing(["ID": "ID", "NAME": "Name", "ADDRESS": "Address", "STATUS": "Status"])
        for node in nodes.sorted(by: { $0.value.displayName < $1.value.displayName }) {
            let value = node.value
            guard value.managerStatus != nil || value.spec.role == .manager else { continue }
            listing.rows.append(
                .init(
                    cells: [
                        value.id, value.displayName, value.managerStatus?.address ?? value.clusterAddress ?? "",
                        value.managerText,
                    ], object: node.raw, id: value.id))
        }
        if arguments.flag("quiet") { session.console.write(listing.ids) } else { try session.show(listing) }
    }
}
