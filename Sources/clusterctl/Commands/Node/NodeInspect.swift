import HTTP
import Model
import Platform

/// All that is known of nodes.
enum NodeInspect: Command {
    static let syntax = Syntax(
        path: ["node", "inspect"], summary: "All that is known of nodes",
        positionals: [.init("NODE", "id, unique beginning of one, name, or self", .many)],
        options: [.flag("pretty", "for people rather than programs")])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        var nodes: [Fetched<Node>] = []
        for name in arguments.positionals { nodes.append(try await load(name, session)) }
        if arguments.flag("pretty") {
            session.console.write(nodes.map { pretty($0.value) }.joined(separator: "\n"))
        } else {
            try session.show(nodes.map(\.raw))
        }
    }

    /// Reads a node; `self` is the one that is asked.
    static func load(_ name: String, _ session: Session) async throws -> Fetched<Node> {
        var name = name
        if name == "self" { name = try await session.engine.fetch(SystemInfo.self, ["info"]).swarm.nodeID }
        return try await session.engine.fetch(Fetched<Node>.self, ["nodes", name])
    }

    static func pretty(_ node: Node) -> String {
        let resources = node.description.resources
        var rows = [
            ["ID", node.id], ["Name", node.displayName], ["Hostname", node.description.hostname],
            ["Role", node.roleText], ["State", node.status.state.rawValue],
            ["Availability", node.spec.availability.rawValue], ["Address", node.status.address ?? ""],
            ["Joined", node.createdAt.description],
            [
                "Platform",
                [node.description.platform.os, node.description.platform.architecture].compactMap { $0 }
                    .joined(separator: "/"),
            ],
            ["CPUs", resources.nanoCPUs.map { CPUText.text($0) } ?? ""],
            ["Memory", resources.memoryBytes.map(ByteSize.binary) ?? ""],
            ["Engine", node.description.engine.engineVersion],
        ]
        if let message = node.status.message, !message.isEmpty { rows.append(["Message", message]) }
        if let manager = node.managerStatus { rows.append(["Manager", "\(manager.text), \(manager.address)"]) }
        for (name, value) in (node.spec.labels ?? [:]).sorted(by: { $0.key < $1.key }) {
            rows.append(["Label", "\(name)=\(value)"])
        }
        return FieldList.text(rows)
    }
}

/// CPUs as users write them.
enum CPUText {
    static func text(_ nanoCPUs: Int64) -> String {
        let cpus = Double(nanoCPUs) / 1e9
        return cpus == cpus.rounded() ? "\(Int64(cpus))" : "\(cpus)"
    }
}
