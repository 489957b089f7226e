internal import Glibc
internal import Platform

/// What waits for the member's thread: bounded, taken all at once, waited for until a deadline.
///
/// @unchecked: the queue is only touched under the mutex, and the two pthread objects do not move.
final class Mailbox: @unchecked Sendable {
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

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var items: [Item] = []
    /// How many of the items are proposals.
    private var proposals = 0
    private var bytes = 0
    /// So many proposals wake the thread that waits, and anything else does; nil while it does not wait.
    private var waited: Int?
    private var isClosed = false

    init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Nil if taken. `bytes` is what the item holds.
    func post(_ item: Item, bytes cost: Int) -> Refusal? {
        pthread_mutex_lock(mutex)
        let refusal = refusal(of: item, cost)
        var wakes = false
        if refusal == nil {
            items.append(item)
            bytes += cost
            if case .proposal = item { proposals += 1 }
            if let waited, isEnough(waited) { (wakes, self.waited) = (true, nil) }
        }
        pthread_mutex_unlock(mutex)
        // Behind the lock, at which the thread would else stop again.
        if wakes { pthread_cond_signal(condition) }
        return refusal
    }

    private func refusal(of item: Item, _ cost: Int) -> Refusal? {
        if isClosed { return .closed }
        if item.isOwn { return nil }
        return items.count >= Self.maximumItems || bytes + cost > Self.maximumBytes ? .full : nil
    }

    /// Everything that waits, once there are so many proposals or anything else; at `deadline` what there is.
    func take(until deadline: MonotonicInstant, orProposals count: Int) -> [Item] {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        if !isEnough(count), deadline > MemberClock.now() {
            var time = MemberClock.waitable(deadline)
            waited = count
            while !isEnough(count), pthread_cond_timedwait(condition, mutex, &time) == 0 {}
            waited = nil
        }
        return takeAll()
    }

    private func isEnough(_ count: Int) -> Bool { items.count > proposals || proposals >= count }

    /// Refuses everything from now on; returns what still waited.
    func close() -> [Item] {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        isClosed = true
        return takeAll()
    }

    private func takeAll() -> [Item] {
        defer {
            items = []
            (proposals, bytes) = (0, 0)
        }
        return items
    }
}
