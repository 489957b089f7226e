internal import Platform
internal import Synchronization

/// What waits for the member's thread: bounded, taken all at once, waited for until a deadline.
final class Mailbox: Sendable {
    enum Item: Sendable {
        case message(Message)
        case proposal([UInt8], Promise)
        case change(MembershipChange, Promise)
        case read(ReadConsistency, Promise)
        case transfer(NodeID?, Promise)
        /// Another thread has done something about a snapshot, or could not.
        case snapshot(any SnapshotWork, RaftError?)
        case damage
        /// Answered with 1 where nothing is sealed with an earlier key, else 0.
        case reseal(Promise)
        case gone(NodeID)
        case leases(Bool)
        case stop(Promise)
    }

    typealias Promise = CheckedContinuation<RaftNode.Answer, any Error>

    enum Refusal { case full, closed }

    static let maximumItems = 65_536
    static let maximumBytes = 64 << 20

    private struct State: Sendable {
        var items: [Item] = []
        /// How many of the items are proposals.
        var proposals = 0
        var bytes = 0
        /// So many proposals wake the thread that waits, and anything else does; nil while it does not wait.
        var waited: Int?
        var isClosed = false

        func refusal(of item: Item, _ cost: Int) -> Refusal? {
            if isClosed { return .closed }
            if item.isOwn { return nil }
            return items.count >= maximumItems || bytes + cost > maximumBytes ? .full : nil
        }

        func isEnough(_ count: Int) -> Bool { items.count > proposals || proposals >= count }

        mutating func takeAll() -> [Item] {
            defer {
                items = []
                (proposals, bytes, waited) = (0, 0, nil)
            }
            return items
        }
    }

    private let state = Mutex(State())
    private let loop: EventLoop

    /// `loop` is what the member's thread drives.
    init(for loop: EventLoop) { self.loop = loop }

    /// Nil if taken. `bytes` is what the item holds.
    func post(_ item: Item, bytes cost: Int) -> Refusal? {
        var wakes = false
        let refusal = state.withLock { state -> Refusal? in
            if let refusal = state.refusal(of: item, cost) { return refusal }
            state.items.append(item)
            state.bytes += cost
            if case .proposal = item { state.proposals += 1 }
            if let waited = state.waited, state.isEnough(waited) { (wakes, state.waited) = (true, nil) }
            return nil
        }
        // Behind the lock, at which the thread would else stop again; itself it looks after each turn.
        if wakes, !loop.isCurrent { loop.submit {} }
        return refusal
    }

    /// Everything that waits, once there are so many proposals or anything else; at `deadline` what there is. The loop has one
    /// turn in any case: what others send must not wait for those who propose.
    func take(
        until deadline: MonotonicInstant, orProposals count: Int, _ driver: inout EventLoop.Driver
    ) -> [Item] {
        var isOver = isOver(deadline, count)
        repeat {
            _ = driver.turn(until: isOver ? 0 : MemberClock.waitable(deadline))
            isOver = isOver || self.isOver(deadline, count)
        } while !isOver
        return state.withLock { $0.takeAll() }
    }

    private func isOver(_ deadline: MonotonicInstant, _ count: Int) -> Bool {
        let isEnough = state.withLock { state in
            state.waited = state.isEnough(count) ? nil : count
            return state.waited == nil
        }
        return isEnough || deadline <= MemberClock.now()
    }

    /// Refuses everything from now on; returns what still waited.
    func close() -> [Item] {
        state.withLock { state in
            state.isClosed = true
            return state.takeAll()
        }
    }
}
