internal import Synchronization

/// Services started in order and stopped in the opposite order, each with a deadline.
public actor ServiceGroup {
    /// A part of a daemon that is started and stopped.
    public protocol Member: Sendable {
        /// What the log calls it.
        var name: String { get }
        /// Returns when others may rely on it; what it runs on goes on afterwards.
        func start() async throws
        /// Ends it in good order. It is not called unless `start` returned; it is left behind when it takes too long.
        func stop() async
    }

    /// How long one service may take to stop, where the caller names no other bound.
    public static let stopTimeout = Duration.seconds(10)

    private enum State {
        case idle
        case starting
        case running
        case stopping
        case stopped
    }

    private let services: [any Member]
    private let stopTimeout: Duration
    private let loop: EventLoop
    private let log = Logger("services")
    private var state = State.idle
    private var started: [any Member] = []
    private var failure: (any Error)?
    private var ends: [CheckedContinuation<Void, Never>] = []

    public init(_ services: [any Member], stopTimeout: Duration = ServiceGroup.stopTimeout, loop: EventLoop) {
        self.services = services
        self.stopTimeout = stopTimeout
        self.loop = loop
    }

    /// Starts all in order. Where one fails, those before it are stopped and its error is thrown.
    public func start() async throws {
        precondition(state == .idle, "a service group starts once")
        state = .starting
        for service in services {
            do {
                try await service.start()
            } catch {
                log.error("service failed to start", ["service": service.name, "error": "\(error)"])
                if state == .starting { await stop() }
                throw error
            }
            started.append(service)
            log.debug("service started", ["service": service.name])
            guard state == .starting else {
                // Stopped while this one was starting.
                await stopStarted()
                throw CancellationError()
            }
        }
        state = .running
    }

    /// Stops all in the opposite order of their start; the names of those that did not end in time. Who calls while another is
    /// at it waits for the end.
    @discardableResult
    public func stop() async -> [String] {
        switch state {
        case .stopped: return []
        case .stopping:
            await waitForEnd()
            return []
        case .idle, .starting, .running: break
        }
        state = .stopping
        let late = await stopStarted()
        state = .stopped
        let ends = ends
        self.ends = []
        for end in ends { end.resume() }
        return late
    }

    @discardableResult
    private func stopStarted() async -> [String] {
        var late: [String] = []
        while let service = started.popLast() {
            if await !finishes(service) {
                late.append(service.name)
                log.warning("service did not stop in time", ["service": service.name, "limit": stopTimeout])
            }
        }
        return late
    }

    /// A service tells that it cannot go on: the group stops, and `waitForEnd` gives the error.
    public func fail(_ error: any Error, service: String) async {
        log.error("service failed", ["service": service, "error": "\(error)"])
        if failure == nil { failure = error }
        await stop()
    }

    /// Returns when the group has stopped; the failure that was the cause, where there was one.
    @discardableResult
    public func waitForEnd() async -> (any Error)? {
        await withCheckedContinuation { waiter in
            if state == .stopped { waiter.resume() } else { ends.append(waiter) }
        }
        return failure
    }

    private func finishes(_ service: any Member) async -> Bool {
        await withCheckedContinuation { continuation in
            let race = Race(continuation)
            let timer = loop.schedule(after: stopTimeout) { race.finish(false) }
            // Not structured: a service that hangs is left behind, and a structured task would be waited for.
            Task {
                await service.stop()
                timer.cancel()
                race.finish(true)
            }
        }
    }
}

/// Resumes once, with what comes first.
private final class Race: Sendable {
    private let continuation: Mutex<CheckedContinuation<Bool, Never>?>

    init(_ continuation: CheckedContinuation<Bool, Never>) { self.continuation = Mutex(continuation) }

    func finish(_ value: Bool) {
        let taken = continuation.withLock { continuation in
            defer { continuation = nil }
            return continuation
        }
        taken?.resume(returning: value)
    }
}
