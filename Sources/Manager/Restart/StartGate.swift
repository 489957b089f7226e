internal import Model
internal import Platform
internal import Store

/// Lets tasks that wait in `ready` start: once their delay is over and their predecessor in the slot has stopped, is
/// known to be lost with its node, or has had more than enough time.
enum StartGate {
    static func plan(_ service: Service, _ draft: inout Draft) {
        let tasks = draft.snapshot.tasks(ofService: service.id)
        let waiting = tasks.filter { $0.desiredState == .ready && !$0.status.state.isTerminal }
        guard !waiting.isEmpty else { return }
        var stopping: [SlotKey: [ClusterTask]] = [:]
        for task in tasks where task.desiredState > .running && task.status.state.isOnNode {
            if let key = Slot.key(of: task) { stopping[key, default: []].append(task) }
        }
        for task in waiting {
            if let notBefore = task.notBefore, isAhead(notBefore, in: service, draft.now) {
                draft.wake(service.id, at: notBefore)
                continue
            }
            let predecessors = Slot.key(of: task).flatMap { stopping[$0] } ?? []
            let instant = predecessors.compactMap { holdsUp($0, &draft) }.max()
            if let instant {
                draft.wake(service.id, at: instant)
            } else {
                draft.desire(.running, of: task)
            }
        }
    }

    /// An instant farther away than the delay itself is from a leader whose clock ran ahead, and is not waited for.
    static func isAhead(_ notBefore: Timestamp, in service: Service, _ now: Timestamp) -> Bool {
        notBefore > now && notBefore - now <= RestartPolicy.delay(in: service)
    }

    /// Until when at the latest the predecessor is waited for; nil when it holds nothing up. An end farther away than the wait itself
    /// is from a leader whose clock ran ahead.
    private static func holdsUp(_ task: ClusterTask, _ draft: inout Draft) -> Timestamp? {
        guard let node = task.nodeID.flatMap({ draft.snapshot.get(Node.self, $0) }), node.status.state != .down else {
            return nil
        }
        let grace = task.spec.containerSpec?.stopGracePeriod.map { Duration.nanoseconds(max(0, $0)) }
        let longest = (grace ?? Defaults.stopGrace) + Defaults.stopTimeout
        let end = task.updatedAt + longest
        return end > draft.now && end - draft.now <= longest ? end : nil
    }
}
