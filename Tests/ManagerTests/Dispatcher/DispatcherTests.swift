import Model
import Platform
import Store
import Synchronization
import TestSupport
import Testing

@testable import Manager

@Suite(.timeLimit(.minutes(1))) struct DispatcherTests {
    /// A leader's dispatcher over a cluster of two nodes with a task on each, until `body` returns.
    private func withDispatcher(
        _ body: @escaping @Sendable (TestCluster, Dispatcher) async throws -> Void
    ) async throws {
        let cluster = try await TestCluster()
        try await cluster.addNode("n1", address: "192.0.2.1")
        try await cluster.addNode("n2", address: "192.0.2.2")
        try await cluster.addNetwork("app", subnet: "10.1.0.0/24", vni: 5000)
        try await cluster.addService("web", networks: ["app"])
        try await cluster.addTask("t1", node: "n1", state: .assigned, addresses: ["app": "10.1.0.3/24"])
        try await cluster.addTask("t2", node: "n2", addresses: ["app": "10.1.0.4/24"])
        let dispatcher = Dispatcher(
            store: cluster.store, proposer: cluster.proposer, clock: cluster.time.clock, members: cluster.members,
            logs: LogBroker())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await dispatcher.run() }
            try await body(cluster, dispatcher)
            group.cancelAll()
        }
    }

    /// An agent's connection, served in the background.
    private func connect(_ dispatcher: Dispatcher, _ nodeID: String, isStuck: Bool = false) -> TestLink {
        let link = TestLink(isStuck: isStuck)
        // Ends with the link, which the dispatcher closes at its end.
        Task {
            try? await dispatcher.serve(link, nodeID: nodeID)
            link.close()
        }
        return link
    }

    @Test func anAgentGetsAllAtFirstAndThenWhatChanged() async throws {
        try await withDispatcher { cluster, dispatcher in
            let link = connect(dispatcher, "n1")
            link.register("n1")
            let session = try #require(await link.session())
            #expect(session.heartbeatPeriodNanoseconds == 500_000_000)
            #expect(session.managers.map(\.nodeID) == ["m1"])
            let set = try #require(await link.assignments())
            #expect(set.sequence == 1)
            #expect(set.tasks.map(\.id) == ["t1"])
            try await cluster.addTask("t3", node: "n1", state: .assigned)
            let changes = try #require(await link.changes())
            #expect(changes.sequence == 2)
            #expect(changes.updatedTasks.map(\.id) == ["t3"])
            try await cluster.write { $0.delete(ClusterTask.self, "t3") }
            let more = try #require(await link.changes())
            #expect(more.sequence == 3)
            #expect(more.removedTasks == ["t3"])
        }
    }

    /// There is no message by which an agent could ask for a secret: it gets what the tasks need that the managers gave it.
    @Test func aNodeIsToldItsOwnSecretsAndNoOthers() async throws {
        try await withDispatcher { cluster, dispatcher in
            try await cluster.addSecret("s1", "one")
            try await cluster.addSecret("s2", "two")
            try await cluster.use(secrets: ["s1"], in: "t1")
            try await cluster.use(secrets: ["s2"], in: "t2")
            let (first, second) = (connect(dispatcher, "n1"), connect(dispatcher, "n2"))
            first.register("n1")
            // It claims the other one's task: who it is, is what its certificate says.
            second.register(
                "n2", statuses: [TaskStatusUpdate(taskID: "t1", status: TaskStatus(timestamp: start, state: .running))])
            #expect(await first.files()?.map(\.id) == ["s1"])
            #expect(await first.assignments()?.files == ["s1"])
            #expect(await second.files() == [AssignedFile(id: "s2", content: Base64Bytes(Array("two".utf8)))])
            #expect(await second.assignments()?.files == ["s2"])
            // One more that uses both: only what is new goes over the wire, before the task.
            try await cluster.addTask("t3", node: "n1", state: .assigned)
            #expect(await first.changes()?.updatedTasks.map(\.id) == ["t3"])
            try await cluster.use(secrets: ["s1", "s2"], in: "t3")
            #expect(await first.files()?.map(\.id) == ["s2"])
            #expect(await first.changes()?.updatedTasks.map(\.id) == ["t3"])
            try await cluster.change(ClusterTask.self, "t3") { $0.status.state = .complete }
            #expect(await first.changes()?.removedFiles == ["s2"])
        }
    }

    @Test func registeringMakesANodeReadyAndSaysWhatItIs() async throws {
        try await withDispatcher { cluster, dispatcher in
            try await cluster.change(Node.self, "n1") { $0.status.state = .down }
            let link = connect(dispatcher, "n1")
            link.register("renamed")
            _ = try #require(await link.session())
            let node = try #require(cluster.snapshot.get(Node.self, "n1"))
            #expect(node.status.state == .ready)
            #expect(node.description.hostname == "renamed")
        }
    }

    @Test func aNodeOfNoClusterIsRefused() async throws {
        try await withDispatcher { _, dispatcher in
            let link = connect(dispatcher, "stranger")
            link.register("stranger")
            #expect(await link.refusal()?.contains("stranger") == true)
            await link.untilClosed()
        }
    }

    @Test func aNodeThatIsRemovedHearsOfIt() async throws {
        try await withDispatcher { cluster, dispatcher in
            let link = connect(dispatcher, "n1")
            link.register("n1")
            _ = try #require(await link.assignments())
            try await cluster.write { $0.delete(Node.self, "n1") }
            #expect(await link.refusal() != nil)
            await link.untilClosed()
        }
    }

    @Test func somethingElseThanARegistrationIsNoBeginning() async throws {
        try await withDispatcher { _, dispatcher in
            let link = connect(dispatcher, "n1")
            link.say(.heartbeat(sessionID: "x"))
            #expect(await link.hear() == nil)
        }
    }

    @Test func aSecondSessionTakesTheFirstOnesPlace() async throws {
        try await withDispatcher { cluster, dispatcher in
            let first = connect(dispatcher, "n1")
            first.register("n1")
            _ = try #require(await first.assignments())
            let second = connect(dispatcher, "n1")
            second.register("n1")
            _ = try #require(await second.assignments())
            await first.untilClosed()
            try await cluster.addTask("t3", node: "n1", state: .assigned)
            #expect(await second.changes()?.updatedTasks.map(\.id) == ["t3"])
        }
    }

    @Test func ofManySessionsAtOnceOneStays() async throws {
        try await withDispatcher { cluster, dispatcher in
            let links = (0..<8).map { _ in connect(dispatcher, "n1") }
            for link in links { link.register("n1") }
            try await eventually(within: .seconds(40)) { await dispatcher.connection(of: "n1") != nil }
            await withTaskGroup(of: Void.self) { group in
                for link in links { group.addTask { await link.untilClosed() } }
                for _ in 1..<links.count { await group.next() }
                group.cancelAll()
            }
            let last = try #require(await dispatcher.connection(of: "n1") as? TestLink)
            #expect(links.contains { $0 === last })
        }
    }

    @Test func aHeartbeatOfAnotherSessionEndsIt() async throws {
        try await withDispatcher { _, dispatcher in
            let link = connect(dispatcher, "n1")
            link.register("n1")
            let session = try #require(await link.session())
            #expect(await link.beat(session) == 500_000_000)
            link.say(.heartbeat(sessionID: "another"))
            await link.untilClosed()
        }
    }

    @Test func anAgentThatTakesNothingHoldsUpNobody() async throws {
        try await withDispatcher { cluster, dispatcher in
            let stuck = connect(dispatcher, "n1", isStuck: true)
            stuck.register("n1")
            _ = try #require(await stuck.session())
            let link = connect(dispatcher, "n2")
            link.register("n2")
            _ = try #require(await link.assignments())
            try await cluster.addTask("t3", node: "n2", state: .assigned)
            #expect(await link.changes()?.updatedTasks.map(\.id) == ["t3"])
        }
    }

    // MARK: Who lives

    @Test func aNodeIsDownAfterAWholeGraceOfSilence() async throws {
        try await withDispatcher { cluster, dispatcher in
            let link = connect(dispatcher, "n1")
            link.register("n1")
            _ = try #require(await link.assignments())
            cluster.time.advance(by: .milliseconds(1_400))
            try await Task.sleep(for: Dispatcher.Limits.sweepInterval * 3)
            #expect(cluster.snapshot.get(Node.self, "n1")?.status.state == .ready)
            cluster.time.advance(by: .milliseconds(200))
            await link.untilClosed()
            try await eventually(within: .seconds(40)) { cluster.snapshot.get(Node.self, "n1")?.status.state == .down }
            #expect(cluster.snapshot.get(Node.self, "n2")?.status.state != .down)
            // One that this leader never heard of is down as well, after a longer grace from the beginning of its term.
            cluster.time.advance(by: DispatchLimits.newLeaderGrace(heartbeat: .milliseconds(500)))
            try await eventually(within: .seconds(40)) { cluster.snapshot.get(Node.self, "n2")?.status.state == .down }
            #expect(cluster.state(of: "t2") == .running)
            let again = connect(dispatcher, "n1")
            again.register("n1")
            _ = try #require(await again.assignments())
            #expect(cluster.snapshot.get(Node.self, "n1")?.status.state == .ready)
        }
    }

    @Test func aNewLeaderKnowsNothingOfThoseItHasNotHeard() async throws {
        try await withDispatcher { cluster, dispatcher in
            try await cluster.addNode("n3", state: .down)
            let link = connect(dispatcher, "n1")
            link.register("n1")
            _ = try #require(await link.assignments())
            await cluster.proposer.fail(times: 1)
            await dispatcher.doubt()
            let status = { (id: String) in cluster.snapshot.get(Node.self, id)?.status }
            #expect(status("n1")?.state == .ready)
            #expect(status("n2")?.state == .unknown)
            #expect(status("n2")?.message == NodeStatus.leaderChanged)
            #expect(status("n3")?.state == .down)
            #expect(cluster.state(of: "t2") == .running)
            // As it is where a node registers while it is being said.
            try await cluster.change(Node.self, "n1") { $0.status.state = .unknown }
            try await eventually(within: .seconds(40)) { status("n1")?.state == .ready }
            let other = connect(dispatcher, "n2")
            other.register("n2")
            _ = try #require(await other.session())
            #expect(status("n2") == NodeStatus(state: .ready, address: "192.0.2.2"))
        }
    }

    /// Found by review: a transaction takes no more than 200 writes.
    @Test func aNewLeaderDoubtsHundreds() async throws {
        try await withDispatcher { cluster, dispatcher in
            for number in 0..<(Command.writesLimit + 50) { try await cluster.addNode("more\(number)") }
            await dispatcher.doubt()
            #expect(cluster.snapshot.all(Node.self).allSatisfy { $0.status.state == .unknown })
        }
    }

    @Test func whoIsHeardIsNotDown() async throws {
        try await withDispatcher { cluster, dispatcher in
            let link = connect(dispatcher, "n1")
            link.register("n1")
            _ = try #require(await link.assignments())
            // As a leader writes it that looked just before the node registered.
            try await cluster.change(Node.self, "n1") { $0.status.state = .down }
            try await eventually(within: .seconds(40)) { cluster.snapshot.get(Node.self, "n1")?.status.state == .ready }
        }
    }

    // MARK: What is reported

    @Test func reportsGoForwardAndAreBelievedOfTheTasksNodeAlone() async throws {
        try await withDispatcher { cluster, dispatcher in
            let link = connect(dispatcher, "n1")
            link.register("n1", statuses: [.init(taskID: "t1", status: .init(timestamp: start, state: .preparing))])
            _ = try #require(await link.assignments())
            try await eventually(within: .seconds(40)) { cluster.state(of: "t1") == .preparing }
            link.report("t1", .running)
            try await eventually(within: .seconds(40)) { cluster.state(of: "t1") == .running }
            link.report("t1", .starting)
            link.report("t2", .failed)
            link.report("nobody", .failed)
            link.report("t1", .failed)
            try await eventually(within: .seconds(40)) { cluster.state(of: "t1") == .failed }
            link.report("t1", .running)
            link.report("t1", .orphaned)
            let other = connect(dispatcher, "n2")
            other.register("n2")
            other.report("t2", .complete)
            try await eventually(within: .seconds(40)) { cluster.state(of: "t2") == .complete }
            #expect(cluster.state(of: "t1") == .failed)
        }
    }

    @Test func reportsWaitForAQuorum() async throws {
        try await withDispatcher { cluster, dispatcher in
            let link = connect(dispatcher, "n1")
            link.register("n1")
            _ = try #require(await link.assignments())
            await cluster.proposer.fail(times: 3)
            link.report("t1", .running)
            try await eventually(within: .seconds(40)) { cluster.state(of: "t1") == .running }
        }
    }

    // MARK: Leaving

    @Test func othersHearOfALeavingTaskBeforeItsOwnNode() async throws {
        try await withDispatcher { cluster, dispatcher in
            let own = connect(dispatcher, "n2")
            own.register("n2", address: "192.0.2.2")
            let other = connect(dispatcher, "n1")
            other.register("n1")
            _ = try #require(await own.assignments())
            _ = try #require(await other.assignments())
            try await cluster.change(ClusterTask.self, "t2") { $0.desiredState = .shutdown }
            for link in [other, own] {
                let changes = try #require(await link.changes())
                #expect(changes.updatedTasks.isEmpty)
                let app = changes.networkState?.networks.first { $0.id == "app" }
                #expect(app?.endpoints.first { $0.taskID == "t2" }?.isReady == false)
            }
            cluster.time.advance(by: DrainPause.length)
            // So that the dispatcher looks again even where its own wake-up has passed on this test's way here.
            try await cluster.change(Node.self, "n1") { $0.spec.labels = ["a": "b"] }
            #expect(await own.changes()?.updatedTasks.map(\.desiredState) == [.shutdown])
        }
    }

    // MARK: Terms

    @Test func aManagerThatDoesNotLeadSaysWhoDoes() async throws {
        let cluster = try await TestCluster()
        try await cluster.addNode("n1")
        let manager = Manager(
            store: cluster.store, proposer: cluster.proposer, members: cluster.members, clock: cluster.time.clock)
        let link = TestLink()
        link.register("n1")
        await manager.serve(link, nodeID: "n1")
        #expect(await link.hear() == .redirect([ManagerEndpoint(nodeID: "m1", address: "192.0.2.9:2377")]))
        #expect(await link.hear() == nil)
    }

    /// Sent away at once, agents came back when the new leader had placed what waited.
    @Test func aManagerThatKnowsNoLeaderKeepsTheAgentUntilItDoes() async throws {
        let cluster = try await TestCluster()
        try await cluster.addNode("n1")
        cluster.members.set(knowsLeader: false)
        let manager = Manager(
            store: cluster.store, proposer: cluster.proposer, members: cluster.members, clock: cluster.time.clock)
        let link = TestLink()
        link.register("n1")
        let wasKnown = Mutex(false)
        let asked = ContinuousClock.now
        async let served: Void = manager.serve(link, nodeID: "n1")
        async let answer = (message: link.hear(), came: ContinuousClock.now, wasKnown: wasKnown.withLock { $0 })
        try await Task.sleep(for: .milliseconds(200))
        wasKnown.withLock { $0 = true }
        cluster.members.set(knowsLeader: true)
        let (message, came, afterwards) = await answer
        #expect(message == .redirect([ManagerEndpoint(nodeID: "m1", address: "192.0.2.9:2377")]))
        // It is not kept for longer than a second, whatever this machine does meanwhile.
        #expect(afterwards || came - asked > .milliseconds(900))
        await served
    }

    /// What was placed on a node that died together with the former leader was started elsewhere 16 s later.
    @Test func aNewLeaderPlacesNothingOnANodeThatItHasNotHeard() async throws {
        let cluster = try await TestCluster()
        for id in ["n1", "n2", "n3"] { try await cluster.addNode(id) }
        try await cluster.addTask("t3", node: "n3")
        try await cluster.addService("web", replicas: 7)
        let manager = Manager(
            store: cluster.store, proposer: cluster.proposer, members: cluster.members, clock: cluster.time.clock)
        manager.startLeading()
        defer { manager.stopLeading() }
        let links = ["n1", "n2"].map { id in
            let link = TestLink()
            link.register(id)
            // Ends with the term, which closes the link.
            Task { await manager.serve(link, nodeID: id) }
            return link
        }
        var sessions: [(link: TestLink, session: Session)] = []
        for link in links {
            sessions.append((link, try #require(await link.session())))
            _ = try #require(await link.assignments())
        }
        try await eventually(within: .seconds(40)) {
            // However late the manager comes to its work, nobody who lives is missed.
            for (link, session) in sessions { await link.beat(session) }
            cluster.time.advance(by: .milliseconds(100))
            return cluster.snapshot.tasks(ofService: "web").filter { $0.nodeID != nil }.count == 7
        }
        let placed = Dictionary(grouping: cluster.snapshot.tasks(ofService: "web")) { $0.nodeID ?? "" }
        #expect(placed.mapValues(\.count) == ["n1": 3, "n2": 3, "n3": 1])
        #expect(cluster.state(of: "t3") == .running)
    }

    @Test func theEndOfATermSendsAgentsAway() async throws {
        let cluster = try await TestCluster()
        try await cluster.addNode("n1")
        let manager = Manager(
            store: cluster.store, proposer: cluster.proposer, members: cluster.members, clock: cluster.time.clock)
        manager.startLeading()
        let link = TestLink()
        link.register("n1")
        async let served: Void = manager.serve(link, nodeID: "n1")
        #expect(await link.assignments() != nil)
        manager.stopLeading()
        await link.untilClosed()
        await served
    }
}
