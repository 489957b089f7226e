internal import Model
internal import Platform
internal import Store

/// Takes tasks that ended out of service, so that the orchestrators see their slots empty.
///
/// One that ended before it was due, because its node could not make it ready, holds its slot until then: the delay
/// between attempts counts for those that never start, too.
enum RestartSupervisor {
    static func plan(_ service: Service, _ draft: inout Draft) {
        for task in draft.snapshot.tasks(ofService: service.id)
        where task.desiredState <= .running && task.status.state.isTerminal {
            if task.desiredState == .ready, let notBefore = task.notBefore,
                StartGate.isAhead(notBefore, in: service, draft.now)
            {
                draft.wake(service.id, at: notBefore)
            } else {
                draft.desire(.shutdown, of: task)
            }
        }
    }

    /// Makes the task that follows `previous` in its slot: after the restart delay if that one ended of itself, and in any
    /// case only started once it has stopped (`StartGate`).
    static func replace(_ previous: ClusterTask, in service: Service, _ draft: inout Draft) {
        var task = TaskFactory.make(
            for: service, slot: previous.slot, nodeID: previous.slot == nil ? previous.nodeID : nil, after: previous,
            &draft)
        task.desiredState = .ready
        if RestartPolicy.hasEnded(previous) {
            task.notBefore = draft.now + RestartPolicy.delay(in: service)
            if previous.specVersion == service.specVersion {
                task.restartedAt = RestartPolicy.restarts(after: previous, in: service, at: draft.now)
            }
        }
        draft.put(task)
    }
}
