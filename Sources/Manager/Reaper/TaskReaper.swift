internal import Model
internal import Platform
internal import Store

/// Deletes tasks that nobody needs any more: ended ones beyond the history limit of their slot, those to be removed
/// once they have stopped, those that never got to a node.
enum TaskReaper {
    /// - Parameter service: nil when it was deleted.
    static func plan(_ serviceID: String, _ service: Service?, _ draft: inout Draft) {
        let tasks = draft.snapshot.tasks(ofService: serviceID)
        if service == nil {
            for task in tasks { draft.desire(.remove, of: task) }
        }
        for task in tasks {
            let desired = service == nil ? .remove : task.desiredState
            let isOver = task.status.state.isTerminal
            if desired == .remove && isOver || desired > .running && task.status.state < .assigned {
                draft.delete(task: task.id)
            }
        }
        guard service != nil else { return }
        let limit = historyLimit(&draft)
        guard limit >= 0 else { return }
        for slot in Slot.group(draft.snapshot.tasks(ofService: serviceID)) { trim(slot, to: Int(limit), &draft) }
    }

    private static func trim(_ slot: Slot, to limit: Int, _ draft: inout Draft) {
        if let nodeID = slot.nodeID, draft.snapshot.get(Node.self, nodeID) == nil {
            for task in slot.tasks where task.status.state.isTerminal { draft.delete(task: task.id) }
            return
        }
        var surplus = slot.tasks.count - limit
        // The youngest stays in any case: that it ended is what keeps its slot from being filled again.
        for task in slot.tasks.dropLast() where surplus > 0 {
            guard task.desiredState > .running, task.status.state.isTerminal else { continue }
            draft.delete(task: task.id)
            surplus -= 1
        }
    }

    private static func historyLimit(_ draft: inout Draft) -> Int64 {
        let cluster = draft.snapshot.all(Cluster.self).first
        return cluster?.spec.orchestration?.taskHistoryRetentionLimit ?? Defaults.taskHistory
    }
}
