internal import CLinux
internal import Glibc
internal import Synchronization

extension EventLoop {
    /// What a watch waits for.
    public struct Interest: OptionSet, Sendable, Hashable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        public static let readable = Interest(rawValue: 1)
        public static let writable = Interest(rawValue: 2)
        /// Report only changes (EPOLLET): the handler must then read or write until EAGAIN.
        public static let edgeTriggered = Interest(rawValue: 4)

        var epoll: UInt32 {
            (contains(.readable) ? CL_EPOLLIN | CL_EPOLLRDHUP : 0) | (contains(.writable) ? CL_EPOLLOUT : 0)
                | (contains(.edgeTriggered) ? CL_EPOLLET : 0)
        }
    }

    /// What became of a watched descriptor.
    public struct Readiness: OptionSet, Sendable, Hashable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        public static let readable = Readiness(rawValue: 1)
        public static let writable = Readiness(rawValue: 2)
        /// The peer has closed, or shut down its writing half; what it sent before can still be read.
        public static let hangup = Readiness(rawValue: 4)
        public static let error = Readiness(rawValue: 8)

        init(epoll events: UInt32) {
            var value: UInt8 = 0
            if events & CL_EPOLLIN != 0 { value |= 1 }
            if events & CL_EPOLLOUT != 0 { value |= 2 }
            if events & (CL_EPOLLRDHUP | CL_EPOLLHUP) != 0 { value |= 4 }
            if events & CL_EPOLLERR != 0 { value |= 8 }
            self.init(rawValue: value)
        }
    }

    /// Watches a descriptor until the watch is cancelled, which must happen before the descriptor is closed.
    ///
    /// The handler runs on the loop's thread. One descriptor can have one watch on a loop.
    public func watch(
        _ descriptor: Int32, for interest: Interest, _ handler: @escaping @Sendable (Readiness) -> Void
    ) throws(SystemError) -> Watch {
        let watch = Watch(loop: self, descriptor: descriptor, handler: handler)
        let token = state.withLock { state -> UInt64? in
            guard state.phase == .serving else { return nil }
            let token = state.watches.insert(watch)
            watch.token.store(token, ordering: .relaxed)
            return token
        }
        guard let token else { throw SystemError(errno: ECANCELED, call: "epoll_ctl", subject: "stopped loop \(name)") }
        if cl_epoll_ctl(epoll.rawValue, EPOLL_CTL_ADD, descriptor, interest.epoll, token) == -1 {
            let error = SystemError.last("epoll_ctl", "add \(descriptor)")
            _ = state.withLock { $0.watches.remove(token) }
            throw error
        }
        return watch
    }

    /// How many descriptors are under watch.
    public var watchCount: Int { state.withLock { $0.watches.count } }

    /// A descriptor under watch.
    public final class Watch: Sendable {
        private let loop: EventLoop
        private let descriptor: Int32
        private let handler: @Sendable (Readiness) -> Void
        private let isCancelled = Atomic(false)
        fileprivate let token = Atomic<UInt64>(0)

        fileprivate init(loop: EventLoop, descriptor: Int32, handler: @escaping @Sendable (Readiness) -> Void) {
            self.loop = loop
            self.descriptor = descriptor
            self.handler = handler
        }

        /// Changes what is waited for; an empty interest still reports hang-ups and errors.
        public func update(_ interest: Interest) throws(SystemError) {
            guard !isCancelled.load(ordering: .relaxed) else { return }
            let token = token.load(ordering: .relaxed)
            try checked(
                cl_epoll_ctl(loop.epoll.rawValue, EPOLL_CTL_MOD, descriptor, interest.epoll, token), "epoll_ctl",
                "modify \(descriptor)")
        }

        /// Ends the watch. Called on the loop's thread, the handler is not called again; from another thread, one call may
        /// still be under way.
        public func cancel() {
            guard !isCancelled.exchange(true, ordering: .relaxed) else { return }
            _ = cl_epoll_ctl(loop.epoll.rawValue, EPOLL_CTL_DEL, descriptor, 0, 0)
            // The watch may hold the last reference to what its handler captured: released outside the lock.
            let removed = loop.state.withLock { $0.watches.remove(token.load(ordering: .relaxed)) }
            _ = consume removed
        }

        func fire(_ readiness: Readiness) {
            if !isCancelled.load(ordering: .relaxed) { handler(readiness) }
        }
    }
}

/// The watches of a loop by the token the kernel hands back: slot in the low half, generation in the high half, so that an event
/// for a slot's former owner finds nothing.
struct WatchTable: Sendable {
    static let wakeupToken = UInt64.max

    private struct Slot: Sendable {
        var generation: UInt32 = 0
        var watch: EventLoop.Watch?
    }

    private var slots: [Slot] = []
    private var free: [UInt32] = []

    var count: Int { slots.count - free.count }

    mutating func insert(_ watch: EventLoop.Watch) -> UInt64 {
        let index: UInt32
        if let reused = free.popLast() {
            index = reused
        } else {
            index = UInt32(slots.count)
            slots.append(Slot())
        }
        slots[Int(index)].watch = watch
        return UInt64(slots[Int(index)].generation) << 32 | UInt64(index)
    }

    mutating func remove(_ token: UInt64) -> EventLoop.Watch? {
        guard let watch = self[token] else { return nil }
        let index = Int(UInt32(truncatingIfNeeded: token))
        slots[index].watch = nil
        slots[index].generation = (slots[index].generation &+ 1) & 0x7fff_ffff
        free.append(UInt32(index))
        return watch
    }

    subscript(token: UInt64) -> EventLoop.Watch? {
        let index = Int(UInt32(truncatingIfNeeded: token))
        guard index < slots.count, slots[index].generation == UInt32(token >> 32) else { return nil }
        return slots[index].watch
    }
}

/// Room for the events of one look at the descriptors.
struct PollBuffer: ~Copyable {
    private let events: UnsafeMutablePointer<UInt32>
    private let tokens: UnsafeMutablePointer<UInt64>
    private let capacity: Int

    init(capacity: Int) {
        self.capacity = capacity
        events = .allocate(capacity: capacity)
        tokens = .allocate(capacity: capacity)
    }

    deinit {
        events.deallocate()
        tokens.deallocate()
    }

    /// The number of events; an interrupted wait has none.
    mutating func wait(_ epoll: Int32, timeout nanoseconds: Int64) -> Int {
        let count = cl_epoll_wait(epoll, events, tokens, Int32(capacity), nanoseconds)
        if count >= 0 { return Int(count) }
        precondition(errno == EINTR, "epoll_wait failed with errno \(errno)")
        return 0
    }

    subscript(index: Int) -> (events: UInt32, token: UInt64) { (events[index], tokens[index]) }
}
