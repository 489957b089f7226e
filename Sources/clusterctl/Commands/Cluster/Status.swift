import HTTP
import Model
import Platform

/// The cluster on one screen.
enum Status: Command {
    static let syntax = Syntax(
        path: ["status"], summary: "The cluster on one screen: managers, nodes, services",
        notes: [
            "On a node that is no manager, and where no manager leads, it says what that node knows of its cluster."
        ])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let info = try await session.engine.fetch(Fetched<SystemInfo>.self, ["info"])
        guard info.value.swarm.controlAvailable else {
            if case .table = session.format { return session.console.write(local(info.value)) }
            return try session.show([info.raw])
        }
        let nodes: [Fetched<Node>]
        do {
            nodes = try await session.engine.fetch([Fetched<Node>].self, ["nodes"])
        } catch let error as EngineError where error.isWithoutLeader {
            // What this node knows by itself is all there is, and most wanted just now.
            if case .table = session.format { session.console.write(local(info.value)) }
            throw error
        }
        let services = try await session.engine.fetch(
            [Fetched<Service>].self, ["services"], query: [("status", "true")])
        guard case .table = session.format else {
            let all = JSONValue.object([
                "Info": info.raw, "Nodes": .array(nodes.map(\.raw)), "Services": .array(services.map(\.raw)),
            ])
            if case .template(let template) = session.format {
                return session.console.line(try template.line(cells: [:], object: all))
            }
            return session.console.line(all.pretty)
        }
        session.console.write(text(info.value, nodes.map(\.value), services.map(\.value)))
    }

    static func text(_ info: SystemInfo, _ nodes: [Node], _ services: [Service]) -> String {
        let managers = nodes.filter { $0.managerStatus != nil }
        let reachable = managers.count { $0.managerStatus?.reachability == .reachable }
        let leader = managers.first { $0.managerStatus?.leader == true }
        let ready = nodes.count { $0.status.state == .ready }
        var rows = [
            ["cluster", info.swarm.cluster?.id ?? ""],
            ["managers", "\(reachable) of \(managers.count) reachable, leader: \(leader?.displayName ?? "none")"],
            ["nodes", "\(ready) of \(nodes.count) ready"],
            ["services", summary(services)],
        ]
        if !info.swarm.error.isEmpty { rows.append(["error", info.swarm.error]) }
        var text = FieldList.text(rows)
        let nodeRows = nodes.sorted { $0.displayName < $1.displayName }.map { node in
            [
                node.displayName + (node.id == info.swarm.nodeID ? " *" : ""), node.status.state.rawValue,
                node.spec.availability.rawValue, node.roleText, node.status.address ?? "",
                node.status.message ?? "",
            ]
        }
        text +=
            "\n" + table(["NODE", "STATE", "AVAILABILITY", "ROLE", "ADDRESS", "MESSAGE"], nodeRows)
        if !services.isEmpty {
            let rows = services.sorted { ($0.name ?? "") < ($1.name ?? "") }.map { service in
                [service.name ?? "", service.modeText, service.replicasText, service.spec.imageText, service.portsText]
            }
            text += "\n" + table(["SERVICE", "MODE", "REPLICAS", "IMAGE", "PORTS"], rows)
        }
        return text
    }

    private static func table(_ headings: [String], _ rows: [[String]]) -> String {
        var table = Table(headings)
        for row in rows { table.add(row) }
        return table.render()
    }

    private static func summary(_ services: [Service]) -> String {
        let short = services.filter { service in
            service.serviceStatus.map { $0.runningTasks < $0.desiredTasks } ?? false
        }
        if short.isEmpty { return services.isEmpty ? "none" : "\(services.count), all running" }
        let names = short.compactMap(\.name).sorted().joined(separator: ", ")
        return "\(services.count), not fully running: \(names)"
    }

    private static func local(_ info: SystemInfo) -> String {
        var rows = [["node", "\(info.name) (\(info.id))"], ["cluster", info.swarm.localNodeState.rawValue]]
        if info.swarm.localNodeState == .active {
            rows.append(["role", info.swarm.controlAvailable ? "manager" : "worker"])
        }
        if let managers = info.swarm.remoteManagers, !managers.isEmpty {
            rows.append(["managers", managers.map(\.address).sorted().joined(separator: ", ")])
        }
        if !info.swarm.error.isEmpty { rows.append(["error", info.swarm.error]) }
        rows.append(["containers", "\(info.containersRunning) running, \(info.containers) in all"])
        var text = FieldList.text(rows)
        if info.swarm.localNodeState == .inactive {
            text += "\nMake a cluster: clusterctl init. Enter one: clusterctl join --token TOKEN HOST:PORT\n"
        }
        return text
    }
}
