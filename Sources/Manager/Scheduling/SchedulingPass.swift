internal import Model
internal import Platform
internal import Scheduler
internal import Store

/// Gives pending tasks their nodes, or says on them why none fits.
enum SchedulingPass {
    /// - Parameter hold: how long tasks that may go anywhere still wait for nodes to come.
    static func plan(_ draft: inout Draft, hold: Duration? = nil) {
        var waiting = draft.snapshot.waitingTasks.filter { $0.status.state == .pending && $0.desiredState <= .running }
        if let hold {
            for task in waiting where task.nodeID == nil { draft.wake(task.serviceID, at: draft.now + hold) }
            waiting.removeAll { $0.nodeID == nil }
        }
        guard !waiting.isEmpty else { return }
        // Oldest first, so that who has waited longest gets what becomes free.
        let tasks = waiting.sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }
        let nodes = draft.snapshot.all(Node.self)
        let snapshot = draft.snapshot
        let placed = nodes.flatMap { node in
            snapshot.tasks(onNode: node.id).filter { $0.status.state >= .assigned }
        }
        let placements = Scheduler.place(
            tasks.map { PendingTask($0) }, on: NodeLoad.loads(of: nodes, with: placed), seed: snapshot.revision)
        for (task, placement) in zip(tasks, placements) {
            var task = task
            switch placement.outcome {
            case .placed(let nodeID):
                task.nodeID = nodeID
                task.status.state = .assigned
                task.status.timestamp = draft.now
                task.status.message = "scheduler assigned task to node"
                task.status.error = nil
            case .unplaceable(let explanation):
                task.status.error = explanation
            }
            draft.put(task)
        }
    }
}
