import HTTP
import Model
import Platform

/// The containers of the node that is asked.
enum ContainerList: Command {
    static let syntax = Syntax(
        path: ["container", "ls"], summary: "The containers on this node",
        options: [
            .flag("all", short: "a", "also those that ended"), .flag("no-trunc", "whole ids and commands"),
            .flag("quiet", short: "q", "print only ids"),
        ])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let query: [(String, String?)] = arguments.flag("all") ? [("all", "1")] : []
        let containers = try await session.engine.fetch([JSONValue].self, ["containers", "json"], query: query)
        let listing = listing(containers, now: session.now, isTruncated: !arguments.flag("no-trunc"))
        if arguments.flag("quiet") { session.console.write(listing.ids) } else { try session.show(listing) }
    }

    static func listing(_ containers: [JSONValue], now: Timestamp, isTruncated: Bool) -> Listing {
        Listing(
            [
                "CONTAINER ID": "ID", "IMAGE": "Image", "COMMAND": "Command", "CREATED": "RunningFor",
                "STATUS": "Status",
                "PORTS": "Ports", "NAMES": "Names",
            ],
            rows: containers.map { container in
                let id = container["Id"]?.text ?? ""
                let names = (container["Names"]?.array ?? []).compactMap(\.text).map {
                    $0.hasPrefix("/") ? String($0.dropFirst()) : $0
                }
                let command = "\"\(container["Command"]?.text ?? "")\""
                let created = Timestamp(seconds: container["Created"]?.integer ?? 0)
                return .init(
                    cells: [
                        isTruncated ? id.shortened : id, container["Image"]?.text ?? "",
                        isTruncated ? Terminal.truncated(command, to: 20) : command,
                        DurationText.ago(created, now: now),
                        container["Status"]?.text ?? "", ports(container["Ports"]?.array ?? []),
                        names.joined(separator: ","),
                    ], object: container, id: isTruncated ? id.shortened : id)
            })
    }

    private static func ports(_ ports: [JSONValue]) -> String {
        ports.map { port in
            let inside = "\(port["PrivatePort"]?.integer ?? 0)/\(port["Type"]?.text ?? "tcp")"
            guard let outside = port["PublicPort"]?.integer else { return inside }
            return "\(port["IP"]?.text ?? "0.0.0.0"):\(outside)->\(inside)"
        }.joined(separator: ", ")
    }
}
