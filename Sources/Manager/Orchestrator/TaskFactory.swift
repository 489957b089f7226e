internal import Model
internal import Platform

/// Makes tasks out of services.
enum TaskFactory {
    /// A new task of the service's present spec. It is said to be younger than `previous` even where the leader's clock
    /// is behind that of the one before, because the youngest task of a slot is the one that counts.
    static func make(
        for service: Service, slot: Int?, nodeID: String?, after previous: ClusterTask?, _ draft: inout Draft
    ) -> ClusterTask {
        var created = draft.now
        if let previous, previous.createdAt >= created { created = previous.createdAt + .nanoseconds(1) }
        var task = ClusterTask(
            id: draft.newID(), createdAt: created, spec: service.spec.effectiveTaskSpec, serviceID: service.id,
            serviceName: service.spec.name ?? service.id, slot: slot, nodeID: nodeID, desiredState: .running,
            specVersion: service.specVersion)
        task.labels = service.spec.labels
        return task
    }

    /// Whether the task is made of something else than the service says now.
    static func isDirty(_ task: ClusterTask, in service: Service, _ node: Node?) -> Bool {
        if task.specVersion == service.specVersion { return false }
        if task.hostPorts.map(\.unresolved) != service.hostPortsWanted { return true }
        let wanted = service.spec.effectiveTaskSpec
        if task.spec == wanted { return false }
        // Where only the placement changed, a task whose node still fits goes on running.
        var (have, want) = (task.spec, wanted)
        (have.placement, want.placement) = (nil, nil)
        guard have == want, let node else { return true }
        return !ConstraintEnforcer.fits(service, on: node)
    }
}

extension ClusterTask {
    var hostPorts: [PortConfig] { (ports ?? []).filter { $0.publishMode == .host } }
}

extension Service {
    fileprivate var hostPortsWanted: [PortConfig] {
        (endpoint.ports ?? spec.hostPorts).filter { $0.publishMode == .host }.map(\.unresolved)
    }
}

extension PortConfig {
    /// With nil and its meaning made the same.
    fileprivate var unresolved: PortConfig {
        PortConfig(
            name: name, transport: transport ?? .tcp, targetPort: targetPort, publishedPort: publishedPort ?? 0,
            publishMode: publishMode ?? .ingress)
    }
}
