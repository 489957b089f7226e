import Foundation
import Platform
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct ServiceGroupTests {
    private final class Diary: Sendable {
        private let entries = Mutex<[String]>([])
        func write(_ entry: String) { entries.withLock { $0.append(entry) } }
        var all: [String] { entries.withLock { $0 } }
    }

    private struct Part: ServiceGroup.Member {
        struct Refusal: Error {}
        let name: String
        let diary: Diary
        var refuses = false
        var hangs = false
        var startDelay = Duration.zero

        func start() async throws {
            try await Task.sleep(for: startDelay)
            if refuses { throw Refusal() }
            diary.write("+\(name)")
        }

        func stop() async {
            if hangs { try? await Task.sleep(for: .seconds(30)) }
            diary.write("-\(name)")
        }
    }

    @Test func startsInOrderAndStopsInTheOpposite() async throws {
        let loop = try EventLoop(name: "test-group")
        defer { loop.stop() }
        let diary = Diary()
        let group = ServiceGroup(["a", "b", "c"].map { Part(name: $0, diary: diary) }, loop: loop)
        try await group.start()
        async let end = group.waitForEnd()
        #expect(await group.stop().isEmpty)
        #expect(await end == nil)
        #expect(await group.stop().isEmpty)
        #expect(diary.all == ["+a", "+b", "+c", "-c", "-b", "-a"])
    }

    @Test func aFailedStartUndoesThoseBefore() async throws {
        let loop = try EventLoop(name: "test-refuse")
        defer { loop.stop() }
        let diary = Diary()
        let group = ServiceGroup(
            [Part(name: "a", diary: diary), Part(name: "b", diary: diary, refuses: true)], loop: loop)
        await #expect(throws: Part.Refusal.self) { try await group.start() }
        #expect(diary.all == ["+a", "-a"])
    }

    @Test func oneThatHangsIsLeftBehind() async throws {
        let loop = try EventLoop(name: "test-hang")
        defer { loop.stop() }
        let diary = Diary()
        let group = ServiceGroup(
            [Part(name: "a", diary: diary), Part(name: "b", diary: diary, hangs: true)],
            stopTimeout: .seconds(1), loop: loop)
        try await group.start()
        #expect(await group.stop() == ["b"])
        #expect(diary.all == ["+a", "+b", "-a"])
    }

    @Test func stoppingWhileStartingStopsWhatHasStarted() async throws {
        let loop = try EventLoop(name: "test-early")
        defer { loop.stop() }
        let diary = Diary()
        let group = ServiceGroup(
            [Part(name: "a", diary: diary, startDelay: .milliseconds(100)), Part(name: "b", diary: diary)], loop: loop)
        let start = Task { try await group.start() }
        try await Task.sleep(for: .milliseconds(30))
        await group.stop()
        await #expect(throws: CancellationError.self) { try await start.value }
        #expect(diary.all == ["+a", "-a"])
    }

    @Test func aFailureEndsTheGroup() async throws {
        let loop = try EventLoop(name: "test-fail")
        defer { loop.stop() }
        let diary = Diary()
        let group = ServiceGroup([Part(name: "a", diary: diary)], loop: loop)
        try await group.start()
        await group.fail(Part.Refusal(), service: "a")
        #expect(await group.waitForEnd() is Part.Refusal)
        #expect(diary.all == ["+a", "-a"])
    }

    @Test func signalsAreWaitedFor() async throws {
        let loop = try EventLoop(name: "test-signals")
        let first = Task { try await Signals.wait(for: [SIGUSR1, SIGUSR2], loop: loop) }
        let cancelled = Task { try await Signals.wait(for: [SIGUSR1, SIGUSR2], loop: loop) }
        try await Task.sleep(for: .milliseconds(50))
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        kill(getpid(), SIGUSR2)
        #expect(try await first.value == SIGUSR2)
        // Nobody waits now: kept for who comes.
        kill(getpid(), SIGUSR1)
        try await Task.sleep(for: .milliseconds(20))
        #expect(try await Signals.wait(for: [SIGUSR1], loop: loop) == SIGUSR1)
    }
}
