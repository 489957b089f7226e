import HTTP
import Model

/// The networks.
enum NetworkList: Command {
    static let syntax = Syntax(
        path: ["network", "ls"], summary: "The networks",
        options: [.flag("no-trunc", "whole ids"), .flag("quiet", short: "q", "print only ids")])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let networks = try await session.engine.fetch([JSONValue].self, ["networks"])
        let listing = listing(networks, isTruncated: !arguments.flag("no-trunc"))
        if arguments.flag("quiet") { session.console.write(listing.ids) } else { try session.show(listing) }
    }

    /// Read member by member: beside the cluster's networks a node has some of its own, which lack most of them.
    static func listing(_ networks: [JSONValue], isTruncated: Bool) -> Listing {
        let sorted = networks.sorted { ($0["Name"]?.text ?? "") < ($1["Name"]?.text ?? "") }
        return Listing(
            ["NETWORK ID": "ID", "NAME": "Name", "DRIVER": "Driver", "SCOPE": "Scope", "SUBNETS": "Subnets"],
            rows: sorted.map { network in
                let id = network["Id"]?.text ?? ""
                let subnets = (network["IPAM"]?["Config"]?.array ?? []).compactMap { $0["Subnet"]?.text }
                return .init(
                    cells: [
                        isTruncated ? id.shortened : id, network["Name"]?.text ?? "", network["Driver"]?.text ?? "",
                        network["Scope"]?.text ?? "", subnets.joined(separator: ", "),
                    ], object: network, id: id)
            })
    }
}
