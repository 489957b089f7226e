import Platform
import Testing

@testable import Raft

@Suite(.timeLimit(.minutes(1))) struct MailboxTests {
    private let proposal = Mailbox.Item.proposal([1], 7)

    private static func soon(_ delay: Duration) -> MonotonicInstant { MemberClock.now() + delay }

    @Test func proposalsWakeWhenThereAreEnoughAndAnythingElseAtOnce() async throws {
        let loop = try EventLoop(drivenAs: "test")
        let mailbox = Mailbox(for: loop)
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
        #expect(mailbox.post(proposal, bytes: Mailbox.maximumBytes) == nil)
        #expect(mailbox.post(proposal, bytes: 1) == .full)
        mailbox.close()
        #expect(mailbox.post(proposal, bytes: 1) == .closed)
    }

    /// Whoever waits for a thread that hangs is told so; messages wait on.
    @Test func requestsAreWithdrawn() throws {
        let loop = try EventLoop(drivenAs: "test")
        let mailbox = Mailbox(for: loop)
        #expect(mailbox.post(.proposal([1, 2, 3], 7), bytes: Mailbox.maximumBytes) == nil)
        #expect(mailbox.post(.gone(NodeID(2)), bytes: 0) == nil)
        #expect(mailbox.post(.read(.quorum, 8), bytes: 0) == nil)
        #expect(mailbox.withdrawRequests() == [7, 8] && mailbox.withdrawRequests() == [])
    }
}
