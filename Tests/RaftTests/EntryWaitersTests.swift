import Testing

@testable import Raft

@Suite struct EntryWaitersTests {
    private func instant(_ nanoseconds: UInt64) -> MonotonicInstant { MonotonicInstant(nanoseconds: nanoseconds) }

    /// Entries 5 to 8 of term 2, whose tokens are their indexes and whose time is over one after the other.
    private func waiting() -> EntryWaiters {
        var waiters = EntryWaiters()
        for index in 5...8 as ClosedRange<UInt64> { waiters.add(index, 2, index, until: instant(100 + index)) }
        return waiters
    }

    @Test func theyAreDueInOrder() {
        var waiters = waiting()
        #expect(waiters.take(through: 4).isEmpty)
        #expect(waiters.take(through: 6).map(\.token) == [5, 6])
        #expect(waiters.deadline == instant(107))
        #expect(waiters.take(at: instant(107)).map(\.token) == [7])
        #expect(waiters.take(through: 100).map(\.token) == [8])
        #expect(waiters.deadline == .distantFuture)
    }

    /// What another term took the place of waits on, beside what is proposed there later.
    @Test func whoWasOvertakenWaitsOn() {
        var waiters = waiting()
        waiters.overtake(from: 7, by: 3)
        waiters.add(7, 4, 70, until: instant(500))
        #expect(waiters.deadline == instant(105))
        #expect(waiters.take(through: 6).map(\.token) == [5, 6])
        #expect(waiters.deadline == instant(107))
        let due = waiters.take(through: 7)
        #expect(due.map(\.token) == [70, 7])
        #expect(due.map(\.term) == [4, 2])
        #expect(waiters.take(at: instant(108)).map(\.token) == [8])
    }

    @Test func nobodyIsOvertakenByItsOwnTerm() {
        var waiters = waiting()
        waiters.overtake(from: 7, by: 2)
        waiters.overtake(from: 9, by: 3)
        #expect(waiters.take(through: 8).map(\.token) == [5, 6, 7, 8])
    }
}
