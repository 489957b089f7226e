import HTTP
import Platform
import Store
import Synchronization
import TestSupport
import Testing

@testable import Discovery

/// scenarios.md, Raft and storage, 13: no gap, no duplicate, no time travel, through slow clients, compaction and snapshots.
@Suite(.timeLimit(.minutes(1))) struct WatchTests {
    /// Every change of the topic from a revision on, as the history has it.
    private static func expected(_ member: LoneMember, _ topic: WatchTopic, after revision: UInt64) -> [String] {
        var all: [String] = []
        member.store.snapshot.part(KeyValueState.self).forEachVersion(after: revision) { version in
            if topic.contains(version.key) { all.append(text(version)) }
            return true
        }
        return all
    }

    private static func text(_ version: KeyVersion) -> String {
        "\(version.modify).\(version.order) \(version.keyText) \(version.isDeleted ? "-" : "\(version.value.count)")"
    }

    /// Reads the feed until it has said all up to the revision.
    private static func read(
        _ feed: KeyFeed, of hub: WatchHub, upTo revision: UInt64, pause: () async throws -> Void = {}
    ) async throws -> [String] {
        var seen: [String] = []
        while let event = await feed.next(hub, patience: .milliseconds(20)) {
            switch event {
            case .changes(let batches):
                for batch in batches { seen += batch.versions.map(text) }
                if let last = batches.last, last.revision >= revision { return seen }
            case .progress(let reached): if reached >= revision { return seen }
            case .compacted(let compacted):
                Issue.record("compacted up to \(compacted)")
                return seen
            }
            try await pause()
        }
        return seen
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>) func everyWatcherSeesTheSameHistory(seed: UInt64) async throws {
        let member = try LoneMember()
        let hub = member.watches
        let writes = 1_500
        let topics: [WatchTopic] = [
            .prefix([]), .prefix(Array("a".utf8)), .prefix(Array("a/1".utf8)), .key(Array("a/1".utf8)),
            .key(Array("b/2".utf8)), .prefix(Array("none".utf8)),
        ]
        try await withThrowingTaskGroup(of: (WatchTopic, UInt64, [String]).self) { group in
            var random = Seeded(seed)
            for step in 0..<writes {
                if step % 100 == 0 {
                    for topic in topics {
                        let start = UInt64.random(in: 0...member.store.revision, using: &random)
                        let seed = random.next()
                        group.addTask {
                            var random = Seeded(seed)
                            let feed = KeyFeed(topic, after: start)
                            try hub.enter()
                            defer { hub.leave(feed) }
                            let seen = try await Self.read(feed, of: hub, upTo: UInt64(writes)) {
                                // Some are slow, and so are sent to the history now and then.
                                if Int.random(in: 0..<4, using: &random) == 0 {
                                    try await Task.sleep(for: .milliseconds(Int.random(in: 0..<30, using: &random)))
                                }
                            }
                            return (topic, start, seen)
                        }
                    }
                }
                let key = "\(["a", "b", "c"].randomElement(using: &random)!)/\(Int.random(in: 0..<4, using: &random))"
                switch Int.random(in: 0..<6, using: &random) {
                case 0:
                    _ = try await member.transact(
                        #"{"KV":{"Verb":"set","Key":"\#(key)","Value":"MQ=="}}"#, #"{"KV":{"Verb":"set","Key":"a/1"}}"#,
                        #"{"KV":{"Verb":"delete","Key":"a/1"}}"#)
                default: _ = try await member.ask(.put, "/v1/kv/\(key)", String(repeating: "x", count: step % 50))
                }
                if step % 50 == 0 { try await Task.sleep(for: .milliseconds(1)) }
            }
            #expect(member.store.revision == UInt64(writes))
            for try await (topic, start, seen) in group {
                #expect(seen == Self.expected(member, topic, after: start), "\(topic) after \(start)")
            }
        }
        #expect(hub.waiting == 0)
    }

    @Test func aSlowWatcherHoldsUpNobodyAndCatchesUp() async throws {
        let member = try LoneMember()
        let hub = member.watches
        let feed = KeyFeed(.prefix([]), after: 0)
        try hub.enter()
        #expect(try await Self.read(feed, of: hub, upTo: 0).isEmpty)
        #expect(feed.isSynced)
        for number in 0..<5_000 { _ = try await member.ask(.put, "/v1/kv/k\(number % 10)", "\(number)") }
        #expect(!feed.isSynced)
        #expect(try await Self.read(feed, of: hub, upTo: 5_000) == Self.expected(member, .prefix([]), after: 0))
        _ = try await Self.read(feed, of: hub, upTo: 5_000)
        #expect(feed.isSynced)
        _ = try await member.ask(.put, "/v1/kv/k", "last")
        #expect(try await Self.read(feed, of: hub, upTo: 5_001) == ["5001.0 k 4"])
        hub.leave(feed)
    }

    @Test func aQuietTopicNeedsNoHistory() async throws {
        let member = try LoneMember()
        let hub = member.watches
        let feed = KeyFeed(.key(Array("quiet".utf8)), after: 0)
        try hub.enter()
        _ = try await Self.read(feed, of: hub, upTo: 0)
        for number in 0..<500 { _ = try await member.ask(.put, "/v1/kv/loud", "\(number)") }
        _ = try await member.propose(KeyValueCommand.command(.compact, key: [], expected: 500).encoded)
        _ = try await member.ask(.put, "/v1/kv/quiet", "x")
        #expect(try await Self.read(feed, of: hub, upTo: 501) == ["501.0 quiet 1"])
        hub.leave(feed)
    }

    @Test func aStateThatIsReplacedLeavesNoGap() async throws {
        let leader = try LoneMember()
        let follower = try FollowingMember(of: leader)
        let hub = follower.watches
        let feed = KeyFeed(.prefix([]), after: 0)
        try hub.enter()
        for number in 0..<20 { _ = try await leader.ask(.put, "/v1/kv/k\(number % 3)", "\(number)") }
        try follower.catchUp()
        var seen = try await Self.read(feed, of: hub, upTo: 20)
        for number in 0..<20 { _ = try await leader.ask(.put, "/v1/kv/k\(number % 3)", "\(number)") }
        try follower.store.restore(leader.store.snapshotBytes().bytes)
        seen += try await Self.read(feed, of: hub, upTo: 40)
        #expect(seen == Self.expected(leader, .prefix([]), after: 0))
        // Where the history ends behind what was told, the watcher is told so.
        for number in 0..<20 { _ = try await leader.ask(.put, "/v1/kv/k\(number % 3)", "\(number)") }
        _ = try await leader.propose(KeyValueCommand.command(.compact, key: [], expected: 50).encoded)
        try follower.store.restore(leader.store.snapshotBytes().bytes)
        guard case .compacted(50)? = await feed.next(hub, patience: .seconds(5)) else {
            Issue.record("a gap that nobody speaks of")
            return
        }
        hub.leave(feed)
    }

    // MARK: Over HTTP

    @Test func aWatchIsAStreamOfLines() async throws {
        let member = try LoneMember()
        for key in ["a/1", "b", "a/2"] { _ = try await member.ask(.put, "/v1/kv/\(key)", "x") }
        _ = try await member.ask(.delete, "/v1/kv/a/1")
        let response = await DiscoveryAPI(cluster: member).respond(
            to: HTTPRequest(.get, "/v1/kv/a/?watch&recurse&revision=2"))
        #expect(response.status == .ok && response.headers["X-Consul-Index"] == "4")
        let lines = Mutex("")
        let task = Task {
            for try await piece in response.body { lines.withLock { $0 += String(decoding: piece, as: UTF8.self) } }
        }
        try await eventually { lines.withLock { $0.contains("\"Revision\":4") } }
        _ = try await member.ask(.put, "/v1/kv/a/3", "y")
        try await eventually { lines.withLock { $0.contains("\"Revision\":5") } }
        // A member that stops ends the stream, not the watcher's patience.
        member.watches.stop()
        try await task.value
        #expect(member.watches.waiting == 0)
        let entry = #""LockIndex":0,"Key":"a/"#
        #expect(
            lines.withLock { $0 } == """
                {"Revision":1,"Changes":[]}
                {"Revision":3,"Changes":[{"Type":"set","KV":{\(entry)2","Flags":0,"Value":"eA==","CreateIndex":3,"ModifyIndex":3}}]}
                {"Revision":4,"Changes":[{"Type":"delete","KV":{\(entry)1","Flags":0,"Value":null,"CreateIndex":1,"ModifyIndex":4}}]}
                {"Revision":5,"Changes":[{"Type":"set","KV":{\(entry)3","Flags":0,"Value":"eQ==","CreateIndex":5,"ModifyIndex":5}}]}

                """)
    }

    @Test func aWatcherThatLeavesIsForgotten() async throws {
        let member = try LoneMember()
        let directory = try TemporaryDirectory("watch")
        let loop = try EventLoop(name: "watch")
        defer { loop.stop() }
        let server = HTTPServer(loop: loop) { await DiscoveryAPI(cluster: member).respond(to: $0) }
        let address = try server.listen(on: .unix(directory.file("s")))
        let client = HTTPClient(address, loop: loop)
        func watch() async throws {
            let response = try await client.send(HTTPRequest(.get, "/v1/kv/k?watch"))
            for try await piece in response.body {
                #expect(String(decoding: piece, as: UTF8.self) == "{\"Revision\":0,\"Changes\":[]}\n")
                #expect(member.watches.waiting == 1)
                return
            }
        }
        try await watch()
        try await eventually { member.watches.waiting == 0 }
        await server.shutdown(within: .seconds(1))
    }

    @Test func whatIsCompactedIsSaidToBe() async throws {
        let member = try LoneMember()
        for number in 0..<10 { _ = try await member.ask(.put, "/v1/kv/k", "\(number)") }
        #expect(try await member.ask(.put, "/v1/operator/kv/compact?revision=11").status == 400)
        #expect(try await member.ask(.put, "/v1/operator/kv/compact").status == 400)
        #expect(try await member.ask(.put, "/v1/operator/kv/compact?revision=5").text == "true")
        #expect(member.store.revision == 10)
        let gone = try await member.ask(.get, "/v1/kv/k?watch&revision=5")
        #expect(gone.status == 410)
        #expect(gone.text.contains("revision 5 has been compacted: changes are kept from 6 on"))
        let feed = KeyFeed(.key(Array("k".utf8)), after: 5)
        #expect(try await Self.read(feed, of: member.watches, upTo: 10).count == 5)
        #expect(try await member.ask(.get, "/v1/kv/k?raw").text == "9")
        // Again is no mistake, and takes nothing back.
        #expect(try await member.ask(.put, "/v1/operator/kv/compact?revision=3").text == "true")
        #expect(member.store.snapshot.part(KeyValueState.self).compacted == 5)
    }

    @Test func aWatchOfTheFutureWaitsForIt() async throws {
        let member = try LoneMember()
        let feed = KeyFeed(.key(Array("k".utf8)), after: 2)
        try member.watches.enter()
        for number in 1...4 { _ = try await member.ask(.put, "/v1/kv/k", String(repeating: "x", count: number)) }
        #expect(try await Self.read(feed, of: member.watches, upTo: 4) == ["3.0 k 3", "4.0 k 4"])
        member.watches.leave(feed)
        let later = KeyFeed(.key(Array("k".utf8)), after: 5)
        try member.watches.enter()
        _ = try await Self.read(later, of: member.watches, upTo: 4)
        for number in 5...6 { _ = try await member.ask(.put, "/v1/kv/k", String(repeating: "x", count: number)) }
        #expect(try await Self.read(later, of: member.watches, upTo: 6) == ["6.0 k 6"])
        member.watches.leave(later)
    }

    @Test func tooManyAreToldSo() async throws {
        let member = try LoneMember(waiterLimit: 0)
        #expect(try await member.ask(.get, "/v1/kv/k?watch").status == 503)
    }

    @Test func theHistoryIsBoundedInBytes() {
        var state = KeyValueState()
        var writes: [RowWrite] = []
        let value = [UInt8](repeating: 1, count: 400_000)
        for revision in 1...400 as ClosedRange<UInt64> {
            let version = KeyVersion(
                key: Array("k\(revision % 3)".utf8)[...], value: value[...], create: 1, modify: revision)
            state.put(version, &writes)
        }
        var bytes = 0
        state.forEachVersion(after: state.compacted) {
            bytes += $0.rowCount
            return true
        }
        #expect(bytes <= KeyValueState.Limits.historyBytes && bytes > KeyValueState.Limits.historyBytes / 2)
    }
}
