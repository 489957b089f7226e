import Model
import Platform
import Store
import TestSupport
import Testing

@testable import Manager

@Suite(.timeLimit(.minutes(1))) struct LogReadingTests {
    private struct Bench: Sendable {
        let cluster: TestCluster
        let manager: Manager

        /// An agent that has registered, and that took its assignments too unless they are left.
        func agent(_ nodeID: String, takesAssignments: Bool = true) async -> TestLink {
            let link = TestLink()
            // Ends with the link, which the manager closes at the end of its term.
            Task { await manager.serve(link, nodeID: nodeID) }
            link.register(nodeID)
            _ = await link.session()
            if takesAssignments { _ = await link.assignments() }
            return link
        }

        func read(_ options: LogOptions = LogOptions(), task: String? = nil) -> AsyncThrowingStream<LogEntry, any Error>
        {
            manager.logs(of: LogSubject(serviceID: "web", taskID: task), options) {
                $0.get(AccessToken.self, "gone") == nil
            }
        }
    }

    private func withManager(_ body: (Bench) async throws -> Void) async throws {
        let cluster = try await TestCluster()
        try await cluster.addNode("n1")
        try await cluster.addNode("n2")
        // Without a planner's interest: what a test puts there stays.
        try await cluster.addService("web", replicas: 2)
        let manager = Manager(
            store: cluster.store, proposer: cluster.proposer, members: cluster.members, clock: cluster.time.clock)
        for (id, node, slot) in [("t1", "n1", 1), ("t2", "n2", 2)] {
            try await cluster.addTask(id, node: node)
            try await cluster.change(ClusterTask.self, id) { $0.slot = slot }
        }
        manager.startLeading()
        defer { manager.stopLeading() }
        try await body(Bench(cluster: cluster, manager: manager))
    }

    private func entry(_ text: String, _ task: String, _ node: String, at second: Int64 = 0) -> LogEntry {
        LogEntry(
            timestamp: start + .seconds(second), stream: .stdout, taskID: task, nodeID: node, bytes: Array(text.utf8))
    }

    private func text(_ entry: LogEntry?) -> String { String(decoding: entry?.bytes ?? [], as: UTF8.self) }

    @Test func whoMayNotReadItAnyMoreGetsNoMoreOfIt() async throws {
        try await withManager { bench in
            let agent = await bench.agent("n1")
            var lines = bench.read(LogOptions(follow: true), task: "t1").makeAsyncIterator()
            let subscription = try #require(await agent.subscription())
            agent.say(.logEntries(subscription: subscription.id, [entry("a", "t1", "n1")]))
            #expect(text(try await lines.next()) == "a")
            try await bench.cluster.write { tx in
                try tx.put(AccessToken(id: "gone", createdAt: start, name: "x", hash: "", policy: .init(rules: [])))
            }
            await #expect(throws: LogError.notAllowed) { try await lines.next() }
            #expect(await agent.hear { if case .logCancel(let id) = $0 { id } else { nil } } == subscription.id)
        }
    }

    @Test func allNodesAreAskedAndTheEndIsTheLastOnes() async throws {
        try await withManager { bench in
            let (first, second) = (await bench.agent("n1"), await bench.agent("n2"))
            var lines = bench.read(LogOptions(tail: 7)).makeAsyncIterator()
            let one = try #require(await first.subscription())
            let two = try #require(await second.subscription())
            #expect(one.taskIDs == ["t1"] && two.taskIDs == ["t2"])
            #expect(one.options.tail == 7)
            first.say(.logEntries(subscription: one.id, [entry("a", "t1", "n1")]))
            #expect(text(try await lines.next()) == "a")
            first.say(.logEnd(subscription: one.id, error: nil))
            // What was not asked of a node is not taken from it.
            first.say(.logEntries(subscription: two.id, [entry("forged", "t2", "n1")]))
            first.say(.logEnd(subscription: two.id, error: nil))
            first.say(.heartbeat(sessionID: "any"))
            await first.untilClosed()
            second.say(.logEntries(subscription: two.id, [entry("b", "t2", "n2")]))
            second.say(.logEnd(subscription: two.id, error: nil))
            #expect(text(try await lines.next()) == "b")
            #expect(try await lines.next() == nil)
        }
    }

    @Test func whatCannotBeHadIsSaid() async throws {
        try await withManager { bench in
            let first = await bench.agent("n1")
            var lines = bench.read().makeAsyncIterator()
            let one = try #require(await first.subscription())
            let missing = try await lines.next()
            #expect(missing?.stream == .stderr && missing?.taskID == "t2")
            #expect(text(missing).contains("node n2 is not available"))
            first.say(.logEnd(subscription: one.id, error: "the disk is gone"))
            #expect(text(try await lines.next()).contains("the disk is gone"))
            #expect(try await lines.next() == nil)
        }
    }

    @Test func followingTakesInTasksThatComeLater() async throws {
        try await withManager { bench in
            let (first, second) = (await bench.agent("n1"), await bench.agent("n2"))
            var lines = bench.read(LogOptions(follow: true)).makeAsyncIterator()
            let one = try #require(await first.subscription())
            _ = try #require(await second.subscription())
            try await bench.cluster.addTask("t3", node: "n2", state: .assigned)
            try await bench.cluster.change(ClusterTask.self, "t3") { $0.slot = 3 }
            second.report("t3", .accepted)
            let three = try #require(await second.subscription())
            #expect(three.taskIDs == ["t3"])
            second.say(.logEntries(subscription: three.id, [entry("c", "t3", "n2")]))
            #expect(text(try await lines.next()) == "c")
            first.say(.logEnd(subscription: one.id, error: nil))
            try await bench.cluster.write { $0.delete(Service.self, "web") }
            second.say(.logEnd(subscription: three.id, error: nil))
        }
    }

    @Test func followingGoesOnWhereAnAgentCameBack() async throws {
        try await withManager { bench in
            let first = await bench.agent("n1")
            var lines = bench.read(LogOptions(follow: true, tail: 5), task: "t1").makeAsyncIterator()
            let one = try #require(await first.subscription())
            first.say(.logEntries(subscription: one.id, [entry("a", "t1", "n1", at: 9)]))
            #expect(text(try await lines.next()) == "a")
            first.close()
            #expect(text(try await lines.next()).contains("node n1 is not available"))
            let again = await bench.agent("n1", takesAssignments: false)
            let next = try #require(await again.subscription())
            #expect(next.options.since == start + .seconds(9) + .nanoseconds(1))
            #expect(next.options.tail == nil)
            again.say(.logEntries(subscription: next.id, [entry("b", "t1", "n1", at: 10)]))
            again.say(.logEnd(subscription: next.id, error: nil))
            #expect(text(try await lines.next()) == "b")
            #expect(try await lines.next() == nil)
        }
    }

    @Test func anAgentHearsThatTheReaderHasGone() async throws {
        try await withManager { bench in
            let first = await bench.agent("n1")
            let reader = Task {
                for try await _ in bench.read(LogOptions(follow: true), task: "t1") {}
            }
            let one = try #require(await first.subscription())
            reader.cancel()
            let cancelled = await first.hear { message -> String? in
                if case .logCancel(let id) = message { id } else { nil }
            }
            #expect(cancelled == one.id)
        }
    }

    @Test func theEndOfATermEndsAFollowedLog() async throws {
        try await withManager { bench in
            let first = await bench.agent("n1")
            var lines = bench.read(LogOptions(follow: true), task: "t1").makeAsyncIterator()
            _ = try #require(await first.subscription())
            bench.manager.stopLeading()
            await #expect(throws: LogError.leaderChanged) { while try await lines.next() != nil {} }
        }
    }

    @Test func aServiceWithoutTasksHasAnEmptyLog() async throws {
        try await withManager { bench in
            let stream = bench.manager.logs(of: LogSubject(serviceID: "none"), LogOptions()) { _ in true }
            for try await entry in stream { Issue.record("\(entry)") }
        }
    }

    @Test func whoIsTooSlowIsCutOffAndTold() async throws {
        let cluster = try await TestCluster()
        try await cluster.addNode("n1")
        try await cluster.addTask("t1", node: "n1")
        let broker = LogBroker()
        let dispatcher = Dispatcher(
            store: cluster.store, proposer: cluster.proposer, clock: cluster.time.clock, members: cluster.members,
            logs: broker)
        let link = TestLink()
        let serving = Task { try await dispatcher.serve(link, nodeID: "n1") }
        link.register("n1")
        try await eventually(within: .seconds(40)) { await dispatcher.connection(of: "n1") != nil }
        let reading = LogReading(
            of: LogSubject(serviceID: "web", taskID: "t1"), LogOptions(), store: cluster.store, broker: broker,
            now: cluster.time.clock.wall, limit: 3)
        let running = Task { await reading.run { dispatcher } }
        let one = try #require(await link.subscription())
        broker.deliver((0..<9).map { entry("\($0)", "t1", "n1", at: $0) }, to: one.id, from: "n1")
        var seen: [String] = []
        await #expect(throws: LogError.readerTooSlow) {
            for try await entry in reading.stream { seen.append(text(entry)) }
        }
        #expect(seen == ["0", "1", "2"])
        running.cancel()
        await running.value
        #expect(broker.count == 0)
        link.close()
        _ = try? await serving.value
    }
}
