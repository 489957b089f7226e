import Model

/// The nodes' loads during one call of the scheduler, by index, changed by each placement.
struct PlacementRound {
    private let nodes: [NodeLoad]
    private let indices: [String: Int]
    private let ties: [UInt64]
    private var columns: NodeColumns
    private var reserved: [Reservation]
    private var taskCounts: [Int]
    private var hostPorts: [Set<HostPort>]
    /// How many tasks of each service are on which nodes; only looked up, or added up.
    private var countsByService: [String: [Int: Int]] = [:]

    init(nodes: [NodeLoad], seed: UInt64) {
        self.nodes = nodes
        columns = NodeColumns(nodes: nodes, seed: seed)
        indices = Dictionary(nodes.indices.map { (nodes[$0].traits.id, $0) }) { first, _ in first }
        ties = nodes.map { mixed(seed, $0.traits.id) }
        reserved = nodes.map(\.reserved)
        taskCounts = nodes.map(\.taskCount)
        hostPorts = nodes.map { Set($0.hostPorts.keys) }
        for (index, node) in nodes.enumerated() {
            for (serviceID, count) in node.tasksByService {
                countsByService[serviceID, default: [:]][index] = count
            }
        }
    }

    /// Places `count` tasks like `task`.
    mutating func place(like task: PendingTask, count: Int) -> [TaskPlacement.Outcome] {
        let fixed: [Obstacle?]
        do {
            fixed = try columns.obstacles(to: task.placement)
        } catch {
            return Array(repeating: .unplaceable(explanation: "no suitable node (\(error))"), count: count)
        }
        var serviceCounts = serviceCounts(of: task.serviceID)
        let group = candidates(for: task)
        var ranks: [NodeRank] = []
        for index in group where obstacle(to: task, fixed[index], serviceCounts[index], on: index) == nil {
            ranks.append(
                NodeRank(
                    serviceTasks: serviceCounts[index], tasks: taskCounts[index], tie: ties[index], index: index))
        }
        var tree = SpreadTree(candidates: ranks, serviceCounts: serviceCounts, labels: labels(of: task.placement))
        var outcomes: [TaskPlacement.Outcome] = []
        outcomes.reserveCapacity(count)
        while outcomes.count < count, let index = tree.next() {
            serviceCounts[index] += 1
            countsByService[task.serviceID, default: [:]][index] = serviceCounts[index]
            taskCounts[index] += 1
            reserved[index] = reserved[index] + task.reservation
            hostPorts[index].formUnion(task.hostPorts)
            tree.countTask(nodeTakesMore: loadObstacle(to: task, serviceCounts[index], on: index) == nil)
            outcomes.append(.placed(nodeID: nodes[index].traits.id))
        }
        if outcomes.count < count {
            let explanation = explanation(for: task, fixed, group, serviceCounts)
            while outcomes.count < count {
                outcomes.append(.unplaceable(explanation: explanation))
            }
        }
        return outcomes
    }

    /// The values of the labels that the preferences name; preferences that name none are passed over.
    private mutating func labels(of placement: Placement?) -> [NodeColumns.Values] {
        var labels: [NodeColumns.Values] = []
        for preference in (placement?.preferences ?? []).prefix(SpreadTree.maximumDepth) {
            if let subject = preference.spread.flatMap({ Constraint.Subject($0.descriptor) }) {
                labels.append(columns.values(of: subject))
            }
        }
        return labels
    }

    /// The nodes that are looked at: all, or the one that the task is bound to.
    private func candidates(for task: PendingTask) -> Range<Int> {
        guard let nodeID = task.nodeID else { return nodes.indices }
        guard let index = indices[nodeID] else { return 0..<0 }
        return index..<(index + 1)
    }

    private func serviceCounts(of serviceID: String) -> [Int] {
        var counts = [Int](repeating: 0, count: nodes.count)
        for (index, count) in countsByService[serviceID] ?? [:] {
            counts[index] = count
        }
        return counts
    }

    private func explanation(
        for task: PendingTask, _ fixed: [Obstacle?], _ candidates: Range<Int>, _ serviceCounts: [Int]
    ) -> String {
        var counts = [Int](repeating: 0, count: Obstacle.allCases.count)
        for index in candidates {
            if let obstacle = obstacle(to: task, fixed[index], serviceCounts[index], on: index) {
                counts[obstacle.rawValue] += 1
            }
        }
        return Obstacle.explanation(of: counts)
    }

    /// The first reason against the node, given what always speaks against it.
    private func obstacle(
        to task: PendingTask, _ fixed: Obstacle?, _ serviceCount: Int, on index: Int
    ) -> Obstacle? {
        if fixed == .unavailable { return .unavailable }
        let loadObstacle = loadObstacle(to: task, serviceCount, on: index)
        if loadObstacle == .resources { return .resources }
        return fixed ?? loadObstacle
    }

    /// The first reason that comes from what is on the node already.
    private func loadObstacle(to task: PendingTask, _ serviceCount: Int, on index: Int) -> Obstacle? {
        if !task.reservation.fits(in: nodes[index].capacity, besides: reserved[index]) { return .resources }
        if task.hostPorts.contains(where: hostPorts[index].contains) { return .hostPort }
        if let limit = task.placement?.maxReplicas, limit > 0, UInt64(serviceCount) >= limit { return .replicasPerNode }
        return nil
    }
}
