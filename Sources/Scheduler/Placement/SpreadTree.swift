/// The candidates of one group, branched by the values of the labels that its placement preferences name.
///
/// The next node is found from the root downwards: at each branching the branch with the fewest tasks of the service, at the
/// end of it the most preferred node. Without preferences there is just one branch.
struct SpreadTree {
    /// Preferences beyond these are not looked at.
    static let maximumDepth = 8

    private struct Branch {
        /// Tasks of the service on all nodes of the branch, those that take no more among them.
        var tasks = 0
        let tie: UInt64
        /// By the number of the label's value.
        var children: [Int: Int] = [:]
        /// Children with nodes left, the order of no meaning: the least is searched for.
        var open: [Int] = []
        var nodes = NodeHeap([])
    }

    private var branches: [Branch]
    /// Branches from the root to where the last node was found.
    private var path: [Int] = []

    /// - Parameters:
    ///   - candidates: the nodes that take a task of the group now, with what they hold.
    ///   - serviceCounts: what the service has on every node: it counts for the node's branch, candidate or not.
    ///   - labels: the values of the labels to even out over, the outermost first.
    init(candidates: [NodeRank], serviceCounts: [Int], labels: [NodeColumns.Values]) {
        branches = [Branch(tie: 0)]
        guard !labels.isEmpty else {
            branches[0].nodes = NodeHeap(candidates)
            return
        }
        var ranks: [[NodeRank]] = [[]]
        for rank in candidates {
            let leaf = leaf(for: rank.index, labels)
            while ranks.count < branches.count { ranks.append([]) }
            ranks[leaf].append(rank)
        }
        for (index, count) in serviceCounts.enumerated() where count > 0 {
            var branch = 0
            branches[0].tasks += count
            for label in labels {
                guard let child = branches[branch].children[label.numbers[index]] else { break }
                branches[child].tasks += count
                branch = child
            }
        }
        for branch in branches.indices {
            branches[branch].open = branches[branch].children.values.sorted()
            branches[branch].nodes = NodeHeap(ranks[branch])
        }
    }

    /// The node for the next task; nil when none takes one any more.
    mutating func next() -> Int? {
        path = [0]
        var branch = 0
        while let child = branches[branch].open.min(by: { isPreferred($0, to: $1) }) {
            path.append(child)
            branch = child
        }
        return branches[branch].nodes.top?.index
    }

    /// Counts a task on the node that `next` gave.
    mutating func countTask(nodeTakesMore: Bool) {
        for branch in path {
            branches[branch].tasks += 1
        }
        guard let leaf = path.last else { return }
        if nodeTakesMore {
            branches[leaf].nodes.countTaskOnTop()
            return
        }
        branches[leaf].nodes.removeTop()
        for (parent, child) in zip(path.dropLast(), path.dropFirst()).reversed() {
            guard branches[child].open.isEmpty, branches[child].nodes.top == nil else { return }
            branches[parent].open.removeAll { $0 == child }
        }
    }

    private func isPreferred(_ left: Int, to right: Int) -> Bool {
        let (left, right) = (branches[left], branches[right])
        return left.tasks != right.tasks ? left.tasks < right.tasks : left.tie < right.tie
    }

    private mutating func leaf(for node: Int, _ labels: [NodeColumns.Values]) -> Int {
        var branch = 0
        for label in labels {
            let value = label.numbers[node]
            if let child = branches[branch].children[value] {
                branch = child
            } else {
                branches.append(Branch(tie: label.ties[value]))
                branches[branch].children[value] = branches.count - 1
                branch = branches.count - 1
            }
        }
        return branch
    }
}
