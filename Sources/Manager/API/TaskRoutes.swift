internal import HTTP
internal import Model
internal import Store

/// Engine API `/tasks`.
struct TaskRoutes: Sendable {
    let api: ClusterAPI

    func register(in router: inout Router) {
        router.get("/tasks") { try .json(list($0)) }
        router.get("/tasks/{id}") { try .json(find($0)) }
        router.get("/tasks/{id}/logs") { request in
            let task = try find(request)
            let isTTY = task.spec.containerSpec?.tty ?? false
            let subject = LogSubject(serviceID: task.serviceID, taskID: task.id)
            return try LogAnswer(request, of: subject, isTTY: isTTY).response(from: api.operations)
        }
    }

    private func find(_ request: HTTPRequest) throws -> ClusterTask {
        let id = try request.capture("id")
        return try api.view(for: request).find(ClusterTask.self, id)
    }

    private func list(_ request: HTTPRequest) throws -> [ClusterTask] {
        let filters = try QueryFilters(
            request,
            known: ["id", "name", "label", "service", "node", "desired-state", "_up-to-date", "runtime"])
        let view = try api.view(for: request)
        let snapshot = view.snapshot
        return view.all(ClusterTask.self).filter { task in
            filters.allowID(task.id)
                && filters.allow("name") { task.containerName.hasPrefix($0) || task.serviceName.hasPrefix($0) }
                && filters.matchLabels(task.labels ?? [:])
                && filters.allow("service") {
                    task.serviceID == $0 || task.serviceName == $0 || task.serviceID.hasPrefix($0)
                }
                && filters.allow("node") { Self.is(task, on: $0, snapshot) }
                && filters.allow("desired-state") { Self.is(task, desired: $0) }
                && filters.allow("_up-to-date") { Self.isUpToDate(task, snapshot) == ($0 == "true" || $0 == "1") }
                && filters.allow("runtime") { $0 == "container" }
        }
    }

    private static func `is`(_ task: ClusterTask, on node: String, _ snapshot: Snapshot) -> Bool {
        guard let nodeID = task.nodeID else { return false }
        return nodeID.hasPrefix(node) || snapshot.get(Node.self, nodeID)?.description.hostname == node
    }

    /// The docker command says `running`, `shutdown` or `accepted`.
    private static func `is`(_ task: ClusterTask, desired state: String) -> Bool {
        task.desiredState.rawValue == state
    }

    /// Whether the task is made from its service's spec of today.
    private static func isUpToDate(_ task: ClusterTask, _ snapshot: Snapshot) -> Bool {
        guard let service = snapshot.get(Service.self, task.serviceID) else { return false }
        let node = task.nodeID.flatMap { snapshot.get(Node.self, $0) }
        return !TaskFactory.isDirty(task, in: service, node)
    }
}
