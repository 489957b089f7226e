/// Which node is preferred: the one with the least rank.
struct NodeRank: Comparable {
    /// Tasks of the service at hand on the node.
    var serviceTasks: Int
    var tasks: Int
    /// Decides between equals, differently for each seed.
    let tie: UInt64
    /// Which node.
    let index: Int

    static func < (left: NodeRank, right: NodeRank) -> Bool {
        if left.serviceTasks != right.serviceTasks { return left.serviceTasks < right.serviceTasks }
        if left.tasks != right.tasks { return left.tasks < right.tasks }
        if left.tie != right.tie { return left.tie < right.tie }
        return left.index < right.index
    }
}

/// A binary heap of nodes, the most preferred on top.
struct NodeHeap {
    private var ranks: [NodeRank] = []

    init(_ ranks: [NodeRank]) {
        self.ranks = ranks
        for parent in stride(from: ranks.count / 2 - 1, through: 0, by: -1) {
            siftDown(parent)
        }
    }

    var top: NodeRank? { ranks.first }

    /// Counts one more task on the top node, and moves it where it belongs.
    mutating func countTaskOnTop() {
        ranks[0].serviceTasks += 1
        ranks[0].tasks += 1
        siftDown(0)
    }

    mutating func removeTop() {
        ranks.swapAt(0, ranks.count - 1)
        ranks.removeLast()
        siftDown(0)
    }

    private mutating func siftDown(_ start: Int) {
        var parent = start
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < ranks.count && ranks[child] < ranks[least] {
                least = child
            }
            guard least != parent else { return }
            ranks.swapAt(parent, least)
            parent = least
        }
    }
}
