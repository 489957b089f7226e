import HTTP
import Model
import Platform

/// Tasks as a table, shared by `service ps` and `task ls`.
enum TaskListing {
    static func listing(
        _ tasks: [Fetched<ClusterTask>], nodes: [String: String], now: Timestamp, isTruncated: Bool = true
    ) -> Listing {
        Listing(
            [
                "ID": "ID", "NAME": "Name", "IMAGE": "Image", "NODE": "Node", "DESIRED STATE": "DesiredState",
                "CURRENT STATE": "CurrentState", "ERROR": "Error", "PORTS": "Ports",
            ],
            rows: sorted(tasks, nodes: nodes).map { task in
                let value = task.value
                let node = value.nodeID.map { nodes[$0] ?? $0 } ?? ""
                let name = value.shortName(nodes: nodes)
                let why = value.trouble
                return .init(
                    cells: [
                        isTruncated ? value.id.shortened : value.id, name,
                        value.spec.containerSpec?.image ?? "", node, value.desiredState.rawValue.firstUppercased,
                        "\(value.status.state.rawValue.firstUppercased) "
                            + DurationText.ago(value.status.timestamp, now: now).firstLowercased,
                        isTruncated ? Terminal.truncated(why, to: 60) : why,
                        (value.status.portStatus?.ports ?? []).map(\.text).joined(separator: ", "),
                    ],
                    object: task.raw.setting("Name", .string(name)).setting("NodeName", .string(node)), id: value.id)
            })
    }

    /// Of each slot only the newest task, and any other that still should run or does.
    static func current(_ tasks: [Fetched<ClusterTask>]) -> [Fetched<ClusterTask>] {
        var newest: [String: Fetched<ClusterTask>] = [:]
        for task in tasks {
            if let known = newest[task.value.place], known.value.createdAt >= task.value.createdAt { continue }
            newest[task.value.place] = task
        }
        return tasks.filter { task in
            newest[task.value.place]?.value.id == task.value.id || !task.value.status.state.isTerminal
        }
    }

    /// By service, slot and node; within one place the newest first.
    private static func sorted(_ tasks: [Fetched<ClusterTask>], nodes: [String: String]) -> [Fetched<ClusterTask>] {
        func key(_ task: ClusterTask) -> (String, Int, String) {
            (task.serviceName, task.slot ?? 0, task.slot == nil ? task.nodeID.map { nodes[$0] ?? $0 } ?? "" : "")
        }
        return tasks.sorted { left, right in
            let (one, other) = (key(left.value), key(right.value))
            return one == other ? left.value.createdAt > right.value.createdAt : one < other
        }
    }
}

extension ClusterTask {
    /// `web.1`, or `web.<node>` in a global service.
    func shortName(nodes: [String: String]) -> String {
        if let slot { return "\(serviceName).\(slot)" }
        return "\(serviceName).\(nodeID.map { nodes[$0] ?? $0 } ?? "unassigned")"
    }

    /// The service and its slot or node: where a task is replaced by another.
    var place: String { "\(serviceID)/\(slot.map { "\($0)" } ?? nodeID ?? id)" }

    /// Why it does not run, in the words of the manager or the agent; empty where it does.
    var trouble: String {
        if let error = status.error, !error.isEmpty { return error }
        if status.state == .failed, let code = status.containerStatus?.exitCode { return "exit status \(code)" }
        return status.state == .pending ? status.message ?? "" : ""
    }
}

extension String {
    var firstLowercased: String { prefix(1).lowercased() + dropFirst() }
}
