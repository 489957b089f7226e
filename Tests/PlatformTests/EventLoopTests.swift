import CLinux
import Platform
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct EventLoopTests {
    @Test func runsWhatIsSubmittedInOrderOnItsThread() async throws {
        let loop = try EventLoop(name: "test-submit")
        defer { loop.stop() }
        let seen = Mutex<[Int]>([])
        await withCheckedContinuation { continuation in
            for number in 0..<1000 {
                loop.submit {
                    seen.withLock { $0.append(loop.isCurrent ? number : -1) }
                    if number == 999 { continuation.resume() }
                }
            }
        }
        #expect(seen.withLock { $0 } == Array(0..<1000))
        #expect(!loop.isCurrent)
    }

    @Test func timersFireInOrderOfTheirTimesAndNotEarly() async throws {
        let loop = try EventLoop(name: "test-timers")
        defer { loop.stop() }
        let fired = Mutex<[Int]>([])
        let start = ContinuousClock.now
        await withCheckedContinuation { continuation in
            for delay in [30, 10, 20] {
                loop.schedule(after: .milliseconds(delay)) { fired.withLock { $0.append(delay) } }
            }
            let cancelled = loop.schedule(after: .milliseconds(15)) { fired.withLock { $0.append(15) } }
            cancelled.cancel()
            loop.schedule(after: .milliseconds(40)) { continuation.resume() }
        }
        #expect(ContinuousClock.now - start >= .milliseconds(40))
        #expect(fired.withLock { $0 } == [10, 20, 30])
    }

    @Test func manyTimersSurviveRandomCancellation() async throws {
        let loop = try EventLoop(name: "test-heap")
        defer { loop.stop() }
        let fired = Mutex<Set<Int>>([])
        var kept: Set<Int> = []
        var timers: [(Int, EventLoop.Timer)] = []
        for number in 0..<2000 {
            let delay = Duration.milliseconds(300 + (number &* 7919) % 97)
            timers.append((number, loop.schedule(after: delay) { fired.withLock { _ = $0.insert(number) } }))
        }
        for (number, timer) in timers {
            if (number &* 31) % 3 == 0 { timer.cancel() } else { kept.insert(number) }
        }
        try await Task.sleep(for: .milliseconds(600))
        #expect(fired.withLock { $0 } == kept)
    }

    @Test func watchesTellOfReadinessAndHangUp() async throws {
        let loop = try EventLoop(name: "test-watch")
        defer { loop.stop() }
        var ends: [Int32] = [-1, -1]
        try checked(cl_pipe2(&ends, O_NONBLOCK | O_CLOEXEC), "pipe2")
        let reader = Descriptor(owning: ends[0])
        let writer = Descriptor(owning: ends[1])
        let events = AsyncStream.makeStream(of: EventLoop.Readiness.self)
        let watch = try loop.watch(reader.rawValue, for: [.readable, .edgeTriggered]) { events.continuation.yield($0) }
        var iterator = events.stream.makeAsyncIterator()
        try Files.write(writer.rawValue, [1, 2, 3])
        #expect(await iterator.next() == .readable)
        _ = consume writer
        #expect(await iterator.next()?.contains(.hangup) == true)
        watch.cancel()
        watch.cancel()
    }

    actor Counter {
        nonisolated let loop: EventLoop
        private var count = 0
        nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
        init(loop: EventLoop) { self.loop = loop }
        func increment() -> Bool {
            count += 1
            return loop.isCurrent
        }
        func value() -> Int { count }
    }

    @Test func actorsLiveOnItAndCallbacksEnterThem() async throws {
        let loop = try EventLoop(name: "test-actor")
        defer { loop.stop() }
        let counter = Counter(loop: loop)
        #expect(await counter.increment())
        await withCheckedContinuation { continuation in
            loop.submit {
                counter.assumeIsolated { _ = $0.increment() }
                continuation.resume()
            }
        }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<100 { group.addTask { _ = await counter.increment() } }
        }
        #expect(await counter.value() == 102)
    }

    @Test func tasksThatPreferItStayOnIt() async throws {
        let loop = try EventLoop(name: "test-task")
        defer { loop.stop() }
        let counter = Counter(loop: loop)
        let stayed = try await Task(executorPreference: loop) {
            var stayed = loop.isCurrent
            stayed = await hop(loop) && stayed
            try await Task.sleep(for: .milliseconds(1))
            stayed = loop.isCurrent && stayed
            stayed = await counter.increment() && stayed
            return loop.isCurrent && stayed
        }.value
        #expect(stayed)
    }

    private func hop(_ loop: EventLoop) async -> Bool { loop.isCurrent }

    @Test func stoppingStrandsNoTask() async throws {
        let loop = try EventLoop(name: "test-stop")
        let counter = Counter(loop: loop)
        #expect(await counter.increment())
        loop.stop()
        loop.stop()
        try await Task.sleep(for: .milliseconds(20))
        #expect(await counter.increment())
        #expect(await counter.value() == 2)
    }

    @Test func sleepEndsInTimeAndWithItsTask() async throws {
        let loop = try EventLoop(name: "test-sleep")
        defer { loop.stop() }
        let start = ContinuousClock.now
        try await loop.sleep(for: .milliseconds(20))
        #expect(ContinuousClock.now - start >= .milliseconds(20))
        let sleeper = Task { try await loop.sleep(for: .seconds(50)) }
        try await Task.sleep(for: .milliseconds(10))
        sleeper.cancel()
        await #expect(throws: CancellationError.self) { try await sleeper.value }
    }

    @Test func blockingWorkRunsOnANamedThread() async throws {
        let name = try await runOnThread(named: "test-blocking") {
            try Files.readText("/proc/thread-self/comm")
        }
        #expect(name == "test-blocking\n")
        await #expect(throws: SystemError.self) {
            try await runOnThread(named: "test-throwing") { try Files.read("/nowhere") }
        }
    }
}
