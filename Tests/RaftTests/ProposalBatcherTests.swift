import Testing

@testable import Raft

@Suite struct ProposalBatcherTests {
    private typealias Limits = ProposalBatcherLimits

    private static func at(_ microseconds: UInt64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: 1_000_000_000 + microseconds * 1_000)
    }

    /// A leader that appends `count` proposals as entries up to `index`, and the callers that it answers.
    private static func batcher(
        after count: Int, upTo index: LogIndex, waiting: Int = 0, began: UInt64 = 0, committed: UInt64 = 1_000
    ) -> ProposalBatcher<Int> {
        var batcher = ProposalBatcher<Int>()
        for number in 0..<count { batcher.add(number, at: at(began)) }
        #expect(batcher.take().count == count)
        batcher.proposed(count, upTo: index, at: at(began))
        for number in 0..<waiting { batcher.add(number, at: at(began)) }
        batcher.note(.leader, index, at: at(committed))
        return batcher
    }

    @Test func oneThatComesAloneGoesAtOnce() {
        var batcher = ProposalBatcher<Int>()
        #expect(!batcher.areDue(at: Self.at(0)))
        #expect(batcher.need(at: Self.at(0)).proposals == 1)
        #expect(batcher.need(at: Self.at(0)).until == .distantFuture)
        batcher.add(1, at: Self.at(0))
        #expect(batcher.areDue(at: Self.at(0)))
        var again = Self.batcher(after: 1, upTo: 7)
        again.add(2, at: Self.at(1_001))
        #expect(again.areDue(at: Self.at(1_001)))
    }

    @Test func furtherOnesWaitForTheBatchThatIsUnderWay() {
        var batcher = ProposalBatcher<Int>()
        batcher.add(1, at: Self.at(0))
        _ = batcher.take()
        batcher.proposed(1, upTo: 5, at: Self.at(0))
        batcher.add(2, at: Self.at(10))
        batcher.note(.leader, 4, at: Self.at(20))
        #expect(!batcher.areDue(at: Self.at(20)))
        #expect(batcher.need(at: Self.at(20)).proposals == Limits.proposals - 1)
        #expect(batcher.need(at: Self.at(20)).until == Self.at(10) + Limits.patience)
        batcher.note(.leader, 5, at: Self.at(500))
        #expect(batcher.areDue(at: Self.at(500)))
    }

    @Test func manyGoAlthoughABatchIsUnderWayAndSoDoesWhatWaitedLong() {
        var batcher = ProposalBatcher<Int>()
        batcher.proposed(1, upTo: 5, at: Self.at(0))
        for number in 0..<Limits.proposals - 1 { batcher.add(number, at: Self.at(10)) }
        #expect(!batcher.areDue(at: Self.at(10)))
        #expect(batcher.areDue(at: Self.at(10) + Limits.patience))
        batcher.add(0, at: Self.at(10))
        #expect(batcher.areDue(at: Self.at(10)))
        #expect(batcher.take().count == Limits.proposals)
    }

    /// The callers of a batch of 20, and 20 who came meanwhile: most of them are in the next one.
    @Test func whoWasJustAnsweredIsWaitedForAMoment() {
        var batcher = Self.batcher(after: 20, upTo: 20, waiting: 20)
        #expect(!batcher.areDue(at: Self.at(1_000)))
        let need = batcher.need(at: Self.at(1_000))
        #expect(need.proposals == 10)
        #expect(need.until == Self.at(1_500))
        #expect(batcher.areDue(at: need.until))
        for number in 0..<10 { batcher.add(number, at: Self.at(1_200)) }
        #expect(batcher.areDue(at: Self.at(1_200)))
    }

    @Test func theWaitIsBoundedHoweverSlowTheBatchWas() {
        let batcher = Self.batcher(after: 20, upTo: 20, waiting: 1, committed: 9_000)
        #expect(batcher.need(at: Self.at(9_000)).until == Self.at(9_000) + Limits.linger)
    }

    @Test func aPauseIsNotWaitedOut() {
        var batcher = Self.batcher(after: 20, upTo: 20)
        batcher.add(1, at: Self.at(5_000))
        #expect(batcher.areDue(at: Self.at(5_000)))
    }

    /// Then it is for the core to refuse what comes, at once.
    @Test func aMemberThatLeadsNoLongerHoldsNothingBack() {
        var batcher = ProposalBatcher<Int>()
        batcher.proposed(1, upTo: 5, at: Self.at(0))
        batcher.note(.follower, 3, at: Self.at(10))
        batcher.add(2, at: Self.at(20))
        #expect(batcher.areDue(at: Self.at(20)))
    }
}
