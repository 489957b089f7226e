package import Raft

/// Messages on their way, and the links that lose, delay, repeat or cut them.
package struct SimulatedNetwork {
    package struct Delivery {
        package let time: UInt64
        let order: UInt64
        package let message: [UInt8]
        package let to: NodeID
    }

    /// Directed links that carry nothing.
    package var cutLinks: Set<Link> = []
    /// Directed links that deliver nothing before then.
    var clogs: [Link: UInt64] = [:]
    package var lossPercent: UInt64 = 0
    package var repeatPercent: UInt64 = 0
    package var slowPercent: UInt64 = 0
    var latency: UInt64 = 4_000_000
    /// Soonest last, so that taking is cheap.
    private var queue: [Delivery] = []
    private var order: UInt64 = 0

    package init() {}

    package struct Link: Hashable, Sendable {
        let from: NodeID
        let to: NodeID

        package init(from: NodeID, to: NodeID) {
            self.from = from
            self.to = to
        }
    }

    package var nextTime: UInt64? { queue.last?.time }

    /// `sentAt` may be later than now: the sender hangs meanwhile.
    package mutating func send(_ message: Message, at sentAt: UInt64, _ random: inout SeededGenerator) {
        let link = Link(from: message.from, to: message.to)
        let isLost = cutLinks.contains(link) || random.below(100) < lossPercent
        let copies = isLost ? 0 : random.below(100) < repeatPercent ? 2 : 1
        let bytes = copies > 0 ? message.encoded() : []
        for copy in 0..<copies {
            let slow = random.below(100) < slowPercent
            // A repeated message may be very late.
            let longest: UInt64 = copy > 0 && random.below(3) == 0 ? 3_000_000_000 : slow ? 400_000_000 : latency
            let departure = max(sentAt, clogs[link] ?? 0)
            let time = departure + 200_000 + random.below(longest)
            insert(Delivery(time: time, order: order, message: bytes, to: message.to))
            order += 1
        }
    }

    package mutating func take() -> Delivery? { queue.popLast() }

    package mutating func repair() {
        cutLinks = []
        clogs = [:]
    }

    private mutating func insert(_ delivery: Delivery) {
        var low = 0
        var high = queue.count
        while low < high {
            let middle = (low + high) / 2
            let other = queue[middle]
            if (other.time, other.order) > (delivery.time, delivery.order) { low = middle + 1 } else { high = middle }
        }
        queue.insert(delivery, at: low)
    }
}
