internal import Model
internal import Platform
internal import Store

/// One leader's planners, run in order over one draft: which tasks should exist, what they are given, where they run.
///
/// Pure but for the addresses that rest and the nodes that come: no clock, no I/O, no randomness of its own.
struct Reconciler {
    private var allocator = Allocator()
    private var settling = Settling()

    /// The writes that bring the services in scope nearer to what they should be.
    mutating func plan(
        _ snapshot: Snapshot, _ scope: Scope, now: Timestamp, monotonic: Duration, identifiers: any IdentifierSource
    ) -> Draft {
        var draft = Draft(snapshot, now: now, monotonic: monotonic, identifiers: identifiers)
        let serviceIDs = scope.serviceIDs(snapshot)
        allocator.planNetworks(&draft)
        allocator.takeStock(of: serviceIDs, draft)
        allocator.planNodes(&draft)
        var ports = PublishedPorts(draft.snapshot.all(Service.self))
        for id in serviceIDs {
            allocator.plan(id, ports: &ports, &draft)
            planTasks(of: id, &draft)
        }
        allocator.planTasks(&draft)
        // Whether a node is here matters to everything, so such a change has all in scope.
        if scope == .all { settling.look(at: draft.snapshot.all(Node.self), now: monotonic) }
        SchedulingPass.plan(&draft, hold: settling.wait(at: monotonic))
        return draft
    }

    private func planTasks(of id: String, _ draft: inout Draft) {
        if let service = draft.snapshot.get(Service.self, id), !service.spec.isJob {
            ConstraintEnforcer.plan(service, &draft)
            RestartSupervisor.plan(service, &draft)
            if service.spec.isGlobal {
                GlobalOrchestrator.plan(service, &draft)
            } else {
                ReplicatedOrchestrator.plan(service, &draft)
            }
            UpdateSupervisor.plan(id, &draft)
            if let updated = draft.snapshot.get(Service.self, id) { StartGate.plan(updated, &draft) }
        } else {
            orphanTasksOfLostNodes(id, &draft)
        }
        TaskReaper.plan(id, draft.snapshot.get(Service.self, id), &draft)
    }

    /// Tasks of a deleted service on a node that is gone too: nobody will report their end.
    private func orphanTasksOfLostNodes(_ id: String, _ draft: inout Draft) {
        for task in draft.snapshot.tasks(ofService: id) where !task.status.state.isTerminal {
            guard let nodeID = task.nodeID, draft.snapshot.get(Node.self, nodeID) == nil else { continue }
            draft.delete(task: task.id)
        }
    }
}
