import Platform
import Synchronization
import Testing

@testable import Raft

@Suite(.timeLimit(.minutes(1))) struct MailboxTests {
    /// A proposal whose promise is kept at once: only its place in the mailbox matters here.
    private static func proposal() async throws -> Mailbox.Item {
        let item = Mutex<Mailbox.Item?>(nil)
        _ = try await withCheckedThrowingContinuation { promise in
            item.withLock { $0 = .proposal([1], promise) }
            promise.resume(returning: RaftNode.Answer(index: 0, bytes: []))
        }
        return try #require(item.withLock { $0 })
    }

    private static func soon(_ delay: Duration) -> MonotonicInstant { MemberClock.now() + delay }

    @Test func proposalsWakeWhenThereAreEnoughAndAnythingElseAtOnce() async throws {
        let loop = try EventLoop(drivenAs: "test")
        let mailbox = Mailbox(for: loop)
        let proposal = try await Self.proposal()
        let taken = await withCheckedContinuation { (done: CheckedContinuation<[Int], Never>) in
            startThread(named: "member") {
                var driver = EventLoop.Driver(loop)
                var taken: [Int] = []
                for _ in 0..<2 { #expect(mailbox.post(proposal, bytes: 1) == nil) }
                // Not enough: until the deadline.
                let began = MemberClock.now()
                taken.append(mailbox.take(until: Self.soon(.milliseconds(10)), orProposals: 3, &driver).count)
                #expect(MemberClock.now().elapsed(since: began) >= .milliseconds(10))
                startThread(named: "other") {
                    for _ in 0..<3 { _ = mailbox.post(proposal, bytes: 1) }
                }
                taken.append(mailbox.take(until: Self.soon(.seconds(20)), orProposals: 3, &driver).count)
                startThread(named: "other") {
                    _ = mailbox.post(proposal, bytes: 1)
                    _ = mailbox.post(.damage, bytes: 0)
                }
                taken.append(mailbox.take(until: Self.soon(.seconds(20)), orProposals: 3, &driver).count)
                driver.finish()
                done.resume(returning: taken)
            }
        }
        #expect(taken == [2, 3, 2])
    }

    @Test func itIsBoundedAndRefusesAfterItsEnd() async throws {
        let mailbox = Mailbox(for: try EventLoop(drivenAs: "test"))
        let proposal = try await Self.proposal()
        #expect(mailbox.post(proposal, bytes: Mailbox.maximumBytes) == nil)
        #expect(mailbox.post(proposal, bytes: 1) == .full)
        #expect(mailbox.close().count == 1)
        #expect(mailbox.post(proposal, bytes: 1) == .closed)
    }
}
