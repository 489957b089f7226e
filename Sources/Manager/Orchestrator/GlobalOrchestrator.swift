internal import Model
internal import Store

/// Keeps one task of a global service on every node that fits it.
///
/// A node that is down keeps its task: there is no other place for it, and it runs on if only the connection is gone.
enum GlobalOrchestrator {
    static func plan(_ service: Service, _ draft: inout Draft) {
        let slots = Slot.group(draft.snapshot.tasks(ofService: service.id))
        let byNode = Dictionary(slots.compactMap { slot in slot.nodeID.map { ($0, slot) } }) { first, _ in first }
        for node in draft.snapshot.all(Node.self)
        where node.status.state == .ready && node.spec.availability == .active {
            guard ConstraintEnforcer.fits(service, on: node) else { continue }
            if let slot = byNode[node.id] {
                guard !slot.hasActive, !slot.isSettled(for: service), let previous = slot.newest else { continue }
                RestartSupervisor.replace(previous, in: service, &draft)
            } else {
                draft.put(TaskFactory.make(for: service, slot: nil, nodeID: node.id, after: nil, &draft))
            }
        }
    }
}
