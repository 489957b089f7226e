internal import Model
internal import Platform
internal import Scheduler
internal import Store

/// Takes tasks away from nodes that they may not be on any more: drained, down (replicated services only), removed from
/// the cluster, or no longer what the service's constraints ask for.
enum ConstraintEnforcer {
    static func plan(_ service: Service, _ draft: inout Draft) {
        var verdicts: [String: Bool] = [:]
        for task in draft.snapshot.tasks(ofService: service.id) where task.nodeID != nil {
            guard let nodeID = task.nodeID, !task.status.state.isTerminal else { continue }
            guard let node = draft.snapshot.get(Node.self, nodeID) else {
                if task.status.state < .assigned { draft.desire(.shutdown, of: task) } else { orphan(task, &draft) }
                continue
            }
            guard task.desiredState <= .running else { continue }
            let stays = verdicts[nodeID] ?? mayStay(service, on: node)
            verdicts[nodeID] = stays
            if !stays { draft.desire(.shutdown, of: task) }
        }
    }

    /// Whether the node is one that the service's constraints and platforms allow.
    static func fits(_ service: Service, on node: Node) -> Bool {
        let placement = service.spec.taskTemplate.placement
        let traits = NodeTraits(node)
        guard traits.supports(placement?.platforms) else { return false }
        // Constraints that cannot be read were refused by the API; such a service fits nowhere.
        guard let constraints = try? ConstraintSet(placement?.constraints) else { return false }
        return constraints.isSatisfied(by: traits)
    }

    private static func mayStay(_ service: Service, on node: Node) -> Bool {
        if node.spec.availability == .drain { return false }
        if node.status.state == .down { return service.spec.isGlobal }
        return fits(service, on: node)
    }

    private static func orphan(_ task: ClusterTask, _ draft: inout Draft) {
        var task = task
        task.status.state = .orphaned
        task.status.timestamp = draft.now
        task.status.message = "node was removed from the cluster"
        task.desiredState = max(task.desiredState, .shutdown)
        draft.put(task)
    }
}
