import Glibc
import Platform
import Synchronization
import TestSupport
import Testing

/// A loop whose owner's thread takes its turns.
@Suite(.timeLimit(.minutes(1))) struct DrivenLoopTests {
    private static func after(_ delay: Duration) -> Int64 {
        MonotonicClock.nanoseconds() + delay.components.attoseconds / 1_000_000_000
            + delay.components.seconds * 1_000_000_000
    }

    /// Runs `body` on a thread of its own and waits for it.
    private func onThread(_ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            startThread(named: "driver") {
                body()
                continuation.resume()
            }
        }
    }

    @Test func aTurnDoesWhatThereIsAndEndsAtItsDeadline() async throws {
        let loop = try EventLoop(drivenAs: "test")
        let seen = Mutex<[String]>([])
        await onThread {
            var driver = EventLoop.Driver(loop)
            loop.submit { seen.withLock { $0.append(loop.isCurrent ? "job" : "elsewhere") } }
            _ = driver.turn(until: 0)
            loop.schedule(after: .milliseconds(5)) { seen.withLock { $0.append("timer") } }
            _ = driver.turn(until: Self.after(.seconds(5)))
            let began = ContinuousClock.now
            _ = driver.turn(until: Self.after(.milliseconds(20)))
            #expect(ContinuousClock.now - began >= .milliseconds(20))
            driver.finish()
        }
        #expect(seen.withLock { $0 } == ["job", "timer"])
    }

    /// Woken before it waits, it does not wait; and not twice for one waking.
    @Test func wakingIsNotLost() async throws {
        let loop = try EventLoop(drivenAs: "test")
        await onThread {
            var driver = EventLoop.Driver(loop)
            loop.submit {}
            let began = ContinuousClock.now
            _ = driver.turn(until: Self.after(.seconds(20)))
            #expect(ContinuousClock.now - began < .seconds(5))
            startThread(named: "waker") {
                usleep(10_000)
                loop.submit {}
            }
            _ = driver.turn(until: Self.after(.seconds(20)))
            let woken = ContinuousClock.now - began
            #expect(woken >= .milliseconds(10) && woken < .seconds(5))
            driver.finish()
        }
    }

    /// Tasks that still wait when the owner lets go of the loop come to their end.
    @Test func whatWaitsAfterTheEndIsNotForgotten() async throws {
        let loop = try EventLoop(drivenAs: "test")
        let (near, far) = try SocketStream.pair(loop: loop)
        let reading = Task(executorPreference: loop) { try await near.read(upTo: 10) }
        await onThread {
            var driver = EventLoop.Driver(loop)
            for _ in 0..<3 { _ = driver.turn(until: Self.after(.milliseconds(5))) }
            driver.finish()
        }
        near.close()
        await #expect(throws: SystemError.self) { try await reading.value }
        far.close()
    }

    /// What came before the move is read after it, and what comes later wakes the new loop.
    @Test func aStreamMovesToAnotherLoop() async throws {
        let (first, second) = (try EventLoop(name: "first"), try EventLoop(drivenAs: "second"))
        defer { first.stop() }
        let (near, far) = try SocketStream.pair(loop: first)
        defer { far.close() }
        try await far.write([1, 2])
        #expect(try await near.read(upTo: 1) == [1])
        try near.move(to: second)
        // Ended when it is done.
        let done = Atomic(false)
        let driving = Task {
            await onThread {
                var driver = EventLoop.Driver(second)
                while !done.load(ordering: .acquiring) { _ = driver.turn(until: Self.after(.milliseconds(5))) }
                driver.finish()
            }
        }
        let read = {
            Task(executorPreference: second) { (try await near.read(upTo: 10), second.isCurrent) }
        }
        #expect(try await read().value == ([2], true))
        let next = read()
        try await Task.sleep(for: .milliseconds(20))
        try await far.write([3])
        #expect(try await next.value == ([3], true))
        done.store(true, ordering: .releasing)
        await driving.value
        near.close()
        #expect(throws: SystemError.self) { try near.move(to: first) }
    }
}
