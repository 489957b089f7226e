internal import CLinux
internal import Glibc
internal import Synchronization

/// One thread, its own or its owner's, with one epoll: runs handlers of descriptors, timers, and the jobs of actors and tasks.
///
/// - An actor pins itself to it: `nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }`;
///   handlers and timers run on the loop's thread and enter such an actor by `assumeIsolated`.
///   A task that prefers no executor goes to the end of the loop's queue with each `await`, also with one for a continuation:
///   whether to wait is decided in the continuation's body, for what was true before the `await` may not be any more.
/// - `Task(executorPreference: loop)` keeps all the nonisolated code of a task on the loop's thread.
///
/// All methods may be called from any thread. The thread keeps the loop alive until `stop()`.
public final class EventLoop: SerialExecutor, TaskExecutor, Sendable {
    /// The name of the loop and of its thread.
    public let name: String

    /// Most readiness events taken from the kernel at once.
    static let eventsPerPoll = 256
    /// Rounds of jobs between two looks at the descriptors.
    private static let roundsPerPoll = 16

    enum Item: Sendable {
        case job(UnownedJob)
        case isolated(UnownedJob)
        case body(@Sendable () -> Void)
    }

    enum Phase {
        case serving
        /// Stopped: watches and timers are over, but jobs that still arrive run to their end.
        case draining
        /// Stopped, and no thread is there; the next job starts one.
        case idle
    }

    struct State: Sendable {
        var phase = Phase.serving
        var queue: [Item] = []
        /// The thread sleeps in epoll_wait and the next one with work for it must wake it.
        var isPolling = false
        var timers = TimerHeap()
        var watches = WatchTable()
    }

    let epoll: Descriptor
    private let wakeup: Descriptor
    let state = Mutex(State())
    private let isolation = LoopIsolation()
    private let thread = Atomic<UInt>(0)

    /// Starts the loop's thread. From the first loop on, the process ignores SIGPIPE: writing to a pipe nobody reads is an error
    /// of the write.
    public convenience init(name: String) throws(SystemError) {
        try self.init(drivenAs: name)
        try launchThread(named: name) { self.run() }
    }

    /// A loop without a thread: nothing runs but in the turns that its owner's thread takes, see `Driver`.
    public init(drivenAs name: String) throws(SystemError) {
        _ = Self.brokenPipesAreErrors
        self.name = name
        epoll = Descriptor(owning: try checked(cl_epoll_create(), "epoll_create1"))
        wakeup = Descriptor(owning: try checked(cl_eventfd(), "eventfd"))
        isolation.loop = Unmanaged.passUnretained(self)
        try checked(
            cl_epoll_ctl(
                epoll.rawValue, EPOLL_CTL_ADD, wakeup.rawValue, CL_EPOLLIN | CL_EPOLLET, WatchTable.wakeupToken),
            "epoll_ctl", "eventfd")
    }

    private static let brokenPipesAreErrors: Void = { _ = signal(SIGPIPE, SIG_IGN) }()

    /// Ends the service of watches and timers and lets the thread go. Jobs of tasks and actors that still arrive are run,
    /// so that nobody waits for ever.
    public func stop() {
        let (wake, leftovers) = state.withLock { state in
            guard state.phase == .serving else { return (false, WatchTable()) }
            state.phase = .draining
            state.timers.removeAll()
            let watches = state.watches
            state.watches = WatchTable()
            return (wakeIfPolling(&state), watches)
        }
        // Handlers may own what must not be released under the lock.
        _ = consume leftovers
        if wake { ring() }
    }

    /// Runs `body` on the loop's thread, after what was submitted before it; a wait of the thread for events, the present one or the
    /// next, ends for it.
    public func submit(_ body: @escaping @Sendable () -> Void) {
        push(.body(body))
    }

    /// True on the loop's own thread.
    public var isCurrent: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

    // MARK: Executor

    /// Takes a job of a task that prefers this executor.
    public func enqueue(_ job: consuming ExecutorJob) {
        push(.job(UnownedJob(job)))
    }

    /// The executor that an actor names to live on this loop.
    public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: isolation)
    }

    public func checkIsolated() {
        precondition(isCurrent, "not on the thread of event loop \(name)")
    }

    public func isIsolatingCurrentContext() -> Bool? { isCurrent }

    func push(_ item: Item) {
        var starts = false
        let wake = state.withLock { state in
            state.queue.append(item)
            if state.phase == .idle {
                state.phase = .draining
                starts = true
            }
            return wakeIfPolling(&state)
        }
        if wake { ring() }
        if starts { startThread(named: name) { self.run() } }
    }

    func wakeIfPolling(_ state: inout State) -> Bool {
        defer { state.isPolling = false }
        return state.isPolling
    }

    func ring() {
        var one: UInt64 = 1
        // EAGAIN means that the counter is full, so the loop is about to wake anyway.
        _ = write(wakeup.rawValue, &one, 8)
    }

    // MARK: The thread

    private func run() {
        var driver = Driver(self)
        while driver.turn() {}
    }

    /// Takes a loop's turns, on the thread that it is made on.
    public struct Driver: ~Copyable {
        private let loop: EventLoop
        private var batch: [Item] = []
        private var ready: [(watch: Watch, readiness: Readiness)] = []
        private var poll = PollBuffer(capacity: EventLoop.eventsPerPoll)

        public init(_ loop: EventLoop) {
            self.loop = loop
            loop.thread.store(UInt(pthread_self()), ordering: .relaxed)
        }

        /// Waits for something to do, at most until `deadline` (nanoseconds of `MonotonicClock`), and does it. False once the loop
        /// is stopped and has nothing left.
        public mutating func turn(until deadline: Int64? = nil) -> Bool {
            guard let timeout = loop.prepareToPoll(until: deadline) else { return false }
            let count = poll.wait(loop.epoll.rawValue, timeout: timeout)
            loop.state.withLock { state in
                state.isPolling = false
                for index in 0..<count {
                    let event = poll[index]
                    if let watch = state.watches[event.token] {
                        ready.append((watch, Readiness(epoll: event.events)))
                    } else if event.token == WatchTable.wakeupToken {
                        // Edge-triggered: its count needs no reading.
                        continue
                    }
                }
            }
            for (watch, readiness) in ready { watch.fire(readiness) }
            ready.removeAll(keepingCapacity: true)
            loop.fireTimers()
            for _ in 0..<EventLoop.roundsPerPoll {
                loop.state.withLock { swap(&$0.queue, &batch) }
                if batch.isEmpty { break }
                for item in batch { loop.execute(item) }
                batch.removeAll(keepingCapacity: true)
            }
            return true
        }

        /// Stops the loop, and runs what its tasks still have to do.
        public consuming func finish() {
            loop.stop()
            while turn() {}
        }
    }

    private func execute(_ item: Item) {
        switch item {
        case .job(let job):
            job.runSynchronously(on: asUnownedTaskExecutor())
        case .isolated(let job):
            job.runSynchronously(isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
        case .body(let body):
            body()
        }
    }

    /// How many nanoseconds to wait for events: -1 for ever; nil: the thread ends.
    private func prepareToPoll(until limit: Int64?) -> Int64? {
        state.withLock { state in
            if !state.queue.isEmpty { return 0 }
            if state.phase == .draining {
                state.phase = .idle
                thread.store(0, ordering: .relaxed)
                return nil
            }
            state.isPolling = true
            let deadline = min(state.timers.earliest ?? .max, limit ?? .max)
            if deadline == .max { return -1 }
            let now = MonotonicClock.nanoseconds()
            if deadline <= now {
                state.isPolling = false
                return 0
            }
            return Int64(clamping: deadline - now)
        }
    }
}

/// The loop as the executor of actors. It is apart from the loop as the executor of tasks because the runtime must know for each
/// job which of the two it entered by: a task's nonisolated calls then need no hop.
final class LoopIsolation: SerialExecutor {
    // Written once in the loop's init, before any other thread can see it; the loop owns this object and outlives it.
    nonisolated(unsafe) fileprivate(set) var loop: Unmanaged<EventLoop>?

    private var owner: EventLoop? { loop?.takeUnretainedValue() }

    func enqueue(_ job: consuming ExecutorJob) {
        owner?.push(.isolated(UnownedJob(job)))
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    func checkIsolated() { owner?.checkIsolated() }

    func isIsolatingCurrentContext() -> Bool? { owner?.isCurrent }
}
