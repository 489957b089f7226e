import HTTP
import Model

/// Changes what users set on a node.
enum NodeUpdate: Command {
    static let syntax = Syntax(
        path: ["node", "update"], summary: "Change a node's availability, role, labels or name",
        positionals: [.init("NODE", "id, unique beginning of one, name, or self")],
        options: [
            .value("availability", "WORD", "active, pause (no new tasks) or drain (none at all)"),
            .value("role", "WORD", "worker or manager; 'node promote' and 'node demote' wait until it is so"),
            .repeated("label-add", "KEY=VALUE", "a label to set"),
            .repeated("label-rm", "KEY", "a label to take away"),
            .value("name", "NAME", "what to call it"),
        ])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let availability = try arguments.choice("availability", of: NodeAvailability.words)
            .flatMap(NodeAvailability.init)
        let role = try arguments.choice("role", of: ["worker", "manager"]).flatMap(NodeRole.init)
        let added = try arguments.pairs("label-add") ?? [:]
        let removed = arguments.values("label-rm")
        let name = arguments.value("name")
        guard availability != nil || role != nil || !added.isEmpty || !removed.isEmpty || name != nil else {
            throw arguments.usage("nothing to change: name an option")
        }
        let node = try await change(arguments.positionals[0], session) { spec in
            if let availability { spec.availability = availability }
            if let role { spec.role = role }
            if let name { spec.name = name }
            var labels = spec.labels ?? [:]
            for key in removed { labels[key] = nil }
            labels.merge(added) { $1 }
            spec.labels = labels
        }
        session.console.line(node.displayName)
    }

    /// Reads a node, lets `edit` change its specification and writes it back; begins anew where somebody else was
    /// faster.
    @discardableResult
    static func change(
        _ name: String, _ session: Session, _ edit: (inout NodeSpec) -> Void
    ) async throws -> Node {
        try await Retry.outOfSequence {
            let node = try await NodeInspect.load(name, session).value
            var spec = node.spec
            edit(&spec)
            try await session.engine.call(
                .post, ["nodes", node.id, "update"], query: [("version", "\(node.version.index)")], json: spec)
            return node
        }
    }
}
