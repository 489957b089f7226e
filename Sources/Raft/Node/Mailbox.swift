internal import Platform
internal import Synchronization

/// What waits for the member's thread: bounded, taken all at once, waited for until a deadline.
final class Mailbox: Sendable {
    enum Item: Sendable {
        case message(Message)
        case proposal([UInt8], Token)
        case change(MembershipChange, Token)
        case read(ReadConsistency, Token)
        case transfer(NodeID?, Token)
        /// Another thread has done something about a snapshot, or could not.
        case snapshot(any SnapshotWork, RaftError?)
        case damage
        /// Answered with 1 where nothing is sealed with an earlier key, else 0.
        case reseal(Token)
        case gone(NodeID)
        case leases(Bool)
        case stop
    }

    /// Of one of the node's `Callers`.
    typealias Token = UInt64

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

    /// Takes out what callers asked, and the thread has not taken yet; returns who they are.
    func withdrawRequests() -> [Token] {
        state.withLock { state in
            let tokens = state.items.compactMap { $0.request?.token }
            state.bytes -= state.items.reduce(0) { $0 + ($1.request?.bytes ?? 0) }
            state.items.removeAll { $0.request != nil }
            state.proposals = 0
            return tokens
        }
    }

    /// Refuses everything from now on.
    func close() {
        state.withLock { state in
            state.isClosed = true
            _ = state.takeAll()
        }
    }
}

extension Mailbox.Item {
    /// Taken however much waits.
    var isOwn: Bool {
        switch self {
        case .snapshot, .stop, .leases: true
        default: false
        }
    }

    /// Who waits for an answer, and what the item holds; nil where nobody does.
    var request: (token: Mailbox.Token, bytes: Int)? {
        switch self {
        case .proposal(let bytes, let token): (token, bytes.count)
        case .change(_, let token), .read(_, let token), .transfer(_, let token), .reseal(let token): (token, 0)
        case .message, .snapshot, .damage, .gone, .leases, .stop: nil
        }
    }
}
