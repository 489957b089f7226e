/// Chooses nodes for tasks. Pure: the same input gives the same placements.
public enum Scheduler {
    /// Places all tasks that fit, counting each placement before the next choice. The answer has one entry for each task, in the
    /// order of `tasks`.
    ///
    /// A node must take tasks, have room for the reservations, fulfil the constraints, run the platform, have the host ports free
    /// and be below the service's replicas per node. Of those that do: first even out the service over the placement
    /// preferences, then choose the node with the fewest tasks of the service, then with the fewest tasks, then by `seed`.
    ///
    /// Tasks that ask the same are placed as one group, where the first of them stands: a group costs one look at every node,
    /// and each of its tasks the logarithm of their number.
    public static func place(_ tasks: [PendingTask], on nodes: [NodeLoad], seed: UInt64 = 0) -> [TaskPlacement] {
        var round = PlacementRound(nodes: nodes, seed: seed)
        var placements = [TaskPlacement?](repeating: nil, count: tasks.count)
        for group in groups(of: tasks) {
            let outcomes = round.place(like: tasks[group[0]], count: group.count)
            for (index, outcome) in zip(group, outcomes) {
                placements[index] = TaskPlacement(taskID: tasks[index].id, outcome: outcome)
            }
        }
        return placements.compactMap { $0 }
    }

    /// Why the task cannot be on the node now; nil if it can. For tasks that are not on the node yet.
    public static func objection(to task: PendingTask, on node: NodeLoad) -> String? {
        var task = task
        task.nodeID = node.traits.id
        if case .unplaceable(let explanation) = place([task], on: [node])[0].outcome { return explanation }
        return nil
    }

    /// Indices of tasks that ask the same and may go anywhere, together; tasks bound to a node each alone. In the order of the
    /// first of each group.
    private static func groups(of tasks: [PendingTask]) -> [[Int]] {
        var groups: [[Int]] = []
        var groupsByService: [String: [Int]] = [:]
        for (index, task) in tasks.enumerated() {
            if task.nodeID == nil {
                let known = groupsByService[task.serviceID, default: []]
                if let group = known.first(where: { tasks[groups[$0][0]].asksTheSame(as: task) }) {
                    groups[group].append(index)
                    continue
                }
                groupsByService[task.serviceID, default: []].append(groups.count)
            }
            groups.append([index])
        }
        return groups
    }
}
