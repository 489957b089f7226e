import HTTP
import Store
import TestSupport
import Testing

@testable import Discovery

@Suite(.timeLimit(.minutes(1))) struct BlockingQueryTests {
    @Test func aQueryWaitsForItsKeyAndForNoOther() async throws {
        let member = try LoneMember()
        _ = try await member.ask(.put, "/v1/kv/a", "1")
        async let answer = member.ask(.get, "/v1/kv/a?index=1&raw")
        try await eventually { member.watches.waiting == 1 }
        _ = try await member.ask(.put, "/v1/kv/b", "x")
        _ = try await member.ask(.put, "/v1/kv/ab", "x")
        try await Task.sleep(for: .milliseconds(20))
        #expect(member.watches.waiting == 1)
        _ = try await member.ask(.put, "/v1/kv/a", "2")
        #expect(try await answer.text == "2")
        #expect(try await answer.index == 4)
        #expect(member.watches.waiting == 0)
    }

    @Test func whatHasChangedAlreadyIsAnsweredAtOnce() async throws {
        let member = try LoneMember()
        _ = try await member.ask(.put, "/v1/kv/a", "1")
        _ = try await member.ask(.put, "/v1/kv/a", "2")
        #expect(try await member.ask(.get, "/v1/kv/a?index=1&wait=10m&raw").text == "2")
        #expect(try await member.ask(.get, "/v1/kv/?recurse&index=1&wait=10m").index == 2)
        #expect(try await member.ask(.get, "/v1/kv/a?index=0&raw").text == "2")
    }

    @Test(arguments: ["/v1/kv/d/a?", "/v1/kv/d/?recurse&", "/v1/kv/d?keys&"])
    func aDeletionIsAChange(query: String) async throws {
        let member = try LoneMember()
        _ = try await member.ask(.put, "/v1/kv/d/a", "1")
        async let answer = member.ask(.get, query + "index=1")
        try await eventually { member.watches.waiting == 1 }
        _ = try await member.ask(.delete, "/v1/kv/d/a")
        #expect(try await answer.status == 404)
        #expect(try await answer.index == 2)
    }

    @Test func aMissingKeyIsWaitedFor() async throws {
        let member = try LoneMember()
        _ = try await member.ask(.put, "/v1/kv/a", "1")
        let missing = try await member.ask(.get, "/v1/kv/none")
        #expect(missing.index == 1)
        async let answer = member.ask(.get, "/v1/kv/none?index=\(missing.index)&raw")
        try await eventually { member.watches.waiting == 1 }
        _ = try await member.ask(.put, "/v1/kv/none", "there")
        #expect(try await answer.text == "there")
    }

    @Test func theTimeEndsAWaitWithWhatIsThere() async throws {
        let member = try LoneMember()
        _ = try await member.ask(.put, "/v1/kv/a", "1")
        let start = ContinuousClock.now
        let answer = try await member.ask(.get, "/v1/kv/a?index=1&wait=100ms&raw")
        let waited = ContinuousClock.now - start
        #expect(answer.text == "1" && answer.index == 1)
        #expect(waited >= .milliseconds(100) && waited < .seconds(5))
        #expect(member.watches.waiting == 0)
    }

    @Test func aClientThatLeavesIsForgotten() async throws {
        let member = try LoneMember()
        let task = Task { try await member.ask(.get, "/v1/kv/a?index=5") }
        try await eventually { member.watches.waiting == 1 }
        task.cancel()
        _ = try await task.value
        #expect(member.watches.waiting == 0)
    }

    @Test func tooManyAreToldSo() async throws {
        let member = try LoneMember(waiterLimit: 2)
        let tasks = (0..<2).map { key in Task { try await member.ask(.get, "/v1/kv/\(key)?index=5") } }
        try await eventually { member.watches.waiting == 2 }
        let refused = try await member.ask(.get, "/v1/kv/x?index=5")
        #expect(refused.status == 503)
        #expect(refused.text.contains("too many blocking queries"))
        for task in tasks { task.cancel() }
        for task in tasks { _ = try await task.value }
        #expect(try await member.ask(.get, "/v1/kv/x?index=5&wait=1ms").status == 404)
    }

    @Test func tenThousandWatchersShareOneAnswer() async throws {
        let member = try LoneMember()
        _ = try await member.ask(.put, "/v1/kv/a", "1")
        try await withThrowingTaskGroup(of: DiscoveryAnswer?.self) { group in
            for _ in 0..<10_000 {
                group.addTask {
                    try await member.watches.answer(
                        to: .entry(Array("a".utf8), isRaw: true), after: 1, within: .seconds(50))
                }
            }
            try await eventually(within: .seconds(30)) { member.watches.waiting == 10_000 }
            _ = try await member.ask(.put, "/v1/kv/a", "2")
            var identities: Set<UInt> = []
            for try await answer in group {
                let answer = try #require(answer)
                #expect(answer.index == 2)
                // One buffer is one rendering.
                identities.insert(answer.body.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) })
            }
            #expect(identities.count == 1)
        }
        #expect(member.watches.waiting == 0)
    }

    @Test func topicsThatNobodyWaitsForAreLetGo() async throws {
        let member = try LoneMember()
        for number in 0..<3_000 {
            _ = try await member.watches.answer(
                to: .entries(prefix: Array("k\(number)".utf8)), after: 9, within: .zero)
        }
        #expect(member.watches.topicCount <= WatchTopics.Limits.idle)
        #expect(member.watches.waiting == 0)
    }

    @Test func aReplacedStateIsLookedAtAgain() async throws {
        let member = try LoneMember()
        let other = try LoneMember()
        for number in 0..<5 { _ = try await other.ask(.put, "/v1/kv/a", "\(number)") }
        async let changed = member.ask(.get, "/v1/kv/a?index=2&raw")
        async let unchanged = member.ask(.get, "/v1/kv/a?index=7&raw&wait=200ms")
        try await eventually { member.watches.waiting == 2 }
        try member.store.restore(other.store.snapshotBytes().bytes)
        #expect(try await changed.text == "4")
        #expect(try await changed.index == 5)
        #expect(try await unchanged.index == 5)
    }

    // MARK: On a member that does not lead

    @Test func aFollowerWaitsItselfAndAsksTheLeaderOnce() async throws {
        let leader = try LoneMember()
        let follower = try FollowingMember(of: leader)
        _ = try await leader.ask(.put, "/v1/kv/a", "1")
        async let answer = follower.ask(.get, "/v1/kv/a?index=1&raw")
        // What comes late of what the leader had before the question is no change.
        try await eventually { follower.forwarded == 1 }
        try await Task.sleep(for: .milliseconds(20))
        #expect(follower.watches.waiting == 0)
        try follower.catchUp()
        try await eventually { follower.watches.waiting == 1 }
        #expect(leader.watches.waiting == 0)
        _ = try await leader.ask(.put, "/v1/kv/a", "2")
        try follower.catchUp()
        #expect(try await answer.text == "2")
        #expect(follower.forwarded == 1)
    }

    /// Who leads loses the lead just while it is asked: another does in a moment, and a read has that long.
    @Test(arguments: ["raw", "raw&consistent", "index=0&raw"])
    func aFollowerAsksAgainWhereTheLeaderHasLostTheLead(query: String) async throws {
        let leader = try LoneMember()
        let follower = try FollowingMember(of: leader)
        _ = try await leader.ask(.put, "/v1/kv/a", "1")
        try follower.catchUp()
        follower.refuse(times: 3)
        let answer = try await follower.ask(.get, "/v1/kv/a?\(query)")
        #expect(answer.text == "1" && follower.forwarded == 4)
    }

    @Test func aFollowerThatLagsDoesNotAnswerWithThePast() async throws {
        let leader = try LoneMember()
        let follower = try FollowingMember(of: leader)
        for number in 1...3 { _ = try await leader.ask(.put, "/v1/kv/a", "\(number)") }
        for query in ["index=1&raw", "raw", "raw&consistent"] {
            let forwarded = follower.forwarded
            let lagging = try FollowingMember(of: leader)
            async let answer = lagging.ask(.get, "/v1/kv/a?\(query)")
            try await eventually { lagging.forwarded == 1 }
            try await Task.sleep(for: .milliseconds(10))
            try lagging.catchUp()
            #expect(try await answer.text == "3")
            #expect(try await answer.index == 3)
            #expect(follower.forwarded == forwarded)
        }
    }

    @Test func thoseWhoReadTogetherAskTogether() async throws {
        let leader = try LoneMember()
        let follower = try FollowingMember(of: leader)
        _ = try await leader.ask(.put, "/v1/kv/a", "1")
        try follower.catchUp()
        follower.slowDown(by: .milliseconds(50))
        try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<2_000 {
                group.addTask { try await follower.ask(.get, number % 2 == 0 ? "/v1/kv/a?raw" : "/v1/kv/b").text }
            }
            for try await text in group { #expect(text == "1" || text.isEmpty) }
        }
        #expect(follower.forwarded < 100)
        // One who leaves takes nobody's answer along.
        let leaving = Task { try await follower.ask(.get, "/v1/kv/a") }
        try await Task.sleep(for: .milliseconds(5))
        async let staying = follower.ask(.get, "/v1/kv/a?raw")
        leaving.cancel()
        #expect(try await staying.text == "1")
        _ = try await leaving.value
        follower.cutOff()
        #expect(try await follower.ask(.get, "/v1/kv/a").status == 503)
    }

    @Test func aFollowerWithoutALeaderSaysSoWhenTheTimeIsOver() async throws {
        let leader = try LoneMember()
        let follower = try FollowingMember(of: leader)
        async let answer = follower.ask(.get, "/v1/kv/a?index=1&wait=200ms")
        try await eventually { follower.watches.waiting == 1 }
        follower.cutOff()
        #expect(try await answer.status == 503)
        #expect(try await answer.response.headers["X-Consul-KnownLeader"] == "false")
    }

    @Test func staleIsAnsweredByWhoeverIsAsked() async throws {
        let leader = try LoneMember()
        let follower = try FollowingMember(of: leader)
        _ = try await leader.ask(.put, "/v1/kv/a", "1")
        let stale = try await follower.ask(.get, "/v1/kv/a?stale")
        #expect(stale.status == 404 && follower.forwarded == 0)
        #expect(stale.response.headers["X-Consul-LastContact"] == "1234")
        async let waiting = follower.ask(.get, "/v1/kv/a?stale&index=\(stale.index)&raw")
        try await eventually { follower.watches.waiting == 1 || stale.index == 0 }
        // Index 1 is what an empty state has, too: the first change is at revision 1.
        _ = try await leader.ask(.put, "/v1/kv/a", "2")
        try follower.catchUp()
        #expect(try await waiting.text == "2")
        #expect(follower.forwarded == 0)
        #expect(try await follower.ask(.get, "/v1/kv/a?raw").text == "2")
        #expect(follower.forwarded == 1)
    }
}
