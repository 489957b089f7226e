import Model
import Platform
import Store
import Testing

@testable import Manager

@Suite struct AssignmentPlanTests {
    /// Two nodes, a network, a service with a task on each.
    private func cluster() async throws -> TestCluster {
        let cluster = try await TestCluster()
        try await cluster.addNode("n1", address: "192.0.2.1")
        try await cluster.addNode("n2", address: "192.0.2.2")
        try await cluster.addNetwork("app", subnet: "10.1.0.0/24", vni: 5000)
        try await cluster.addNetwork("other", subnet: "10.2.0.0/24", vni: 5001)
        try await cluster.addService("web", replicas: 2, networks: ["app"])
        try await cluster.change(Service.self, "web") {
            $0.endpoint.virtualIPs = [.init(networkID: "app", address: "10.1.0.2/24")]
        }
        try await cluster.addTask("t1", node: "n1", addresses: ["app": "10.1.0.3/24"])
        try await cluster.addTask("t2", node: "n2", addresses: ["app": "10.1.0.4/24"])
        return cluster
    }

    private func assignment(_ cluster: TestCluster, _ node: String) -> AssignmentPlan.Assignment {
        AssignmentPlan(cluster.snapshot).assignment(of: node)
    }

    private func network(_ id: String, _ assignment: AssignmentPlan.Assignment) -> OverlayNetwork? {
        assignment.networkState.networks.first { $0.id == id }
    }

    @Test func aNodeGetsItsTasksAndTheirNetworksAlone() async throws {
        let cluster = try await cluster()
        try await cluster.addNode("n3", address: "192.0.2.3")
        let first = assignment(cluster, "n1")
        #expect(first.tasks.map(\.id) == ["t1"])
        #expect(first.networkState.networks.map(\.id) == ["app", "ingressnet"])
        #expect(first.networkState.revision == cluster.snapshot.revision)
        let app = try #require(network("app", first))
        #expect(app.endpoints.map(\.taskID) == ["t1", "t2"])
        #expect(app.endpoints.map { "\($0.tunnelAddress)" } == ["192.0.2.1", "192.0.2.2"])
        #expect(app.services.map(\.name) == ["web"])
        #expect(app.services.first?.address == IPv4Address("10.1.0.2"))
        let third = assignment(cluster, "n3")
        #expect(third.tasks.isEmpty)
        #expect(third.networkState.networks.map(\.id) == ["ingressnet"])
    }

    @Test func aTaskWithoutAPlaceIsNobodys() async throws {
        let cluster = try await cluster()
        try await cluster.addTask("t3", node: nil, state: .pending, addresses: ["app": "10.1.0.5/24"])
        try await cluster.addTask("t4", node: "n1", state: .pending, addresses: ["app": "10.1.0.6/24"])
        let first = assignment(cluster, "n1")
        #expect(first.tasks.map(\.id) == ["t1"])
        #expect(network("app", first)?.endpoints.map(\.taskID) == ["t1", "t2"])
    }

    struct Readiness: Sendable {
        let state: TaskState
        let desired: TaskState
        let node: NodeState
        /// Nil: no endpoint at all.
        let isReady: Bool?
    }

    static let readiness = [
        Readiness(state: .running, desired: .running, node: .ready, isReady: true),
        Readiness(state: .running, desired: .running, node: .unknown, isReady: true),
        Readiness(state: .running, desired: .running, node: .down, isReady: false),
        Readiness(state: .running, desired: .shutdown, node: .ready, isReady: false),
        Readiness(state: .running, desired: .remove, node: .ready, isReady: false),
        Readiness(state: .starting, desired: .running, node: .ready, isReady: false),
        Readiness(state: .ready, desired: .ready, node: .ready, isReady: false),
        Readiness(state: .assigned, desired: .running, node: .ready, isReady: false),
        Readiness(state: .pending, desired: .running, node: .ready, isReady: nil),
        Readiness(state: .failed, desired: .running, node: .ready, isReady: nil),
        Readiness(state: .orphaned, desired: .shutdown, node: .ready, isReady: nil),
    ]

    @Test(arguments: readiness) func onlyWhatRunsAndShouldTakesTraffic(_ example: Readiness) async throws {
        let cluster = try await cluster()
        try await cluster.change(Node.self, "n2") { $0.status.state = example.node }
        try await cluster.change(ClusterTask.self, "t2") { task in
            task.status.state = example.state
            task.desiredState = example.desired
        }
        let endpoint = network("app", assignment(cluster, "n1"))?.endpoints.first { $0.taskID == "t2" }
        #expect(endpoint?.isReady == example.isReady)
    }

    @Test func publishedPortsAreOpenEverywhereOrWhereTheTaskIs() async throws {
        let cluster = try await cluster()
        let ingress = PortConfig(targetPort: 80, publishedPort: 8080, publishMode: .ingress)
        let host = PortConfig(transport: .udp, targetPort: 53, publishedPort: 5353, publishMode: .host)
        try await cluster.change(Service.self, "web") { $0.endpoint.ports = [ingress, host] }
        try await cluster.change(ClusterTask.self, "t1") { $0.ports = [ingress, host] }
        #expect(assignment(cluster, "n1").networkState.publishedPorts.map(\.port) == [8080, 5353])
        #expect(assignment(cluster, "n1").networkState.publishedPorts.map(\.hostTaskID) == [nil, "t1"])
        #expect(assignment(cluster, "n2").networkState.publishedPorts.map(\.port) == [8080])
        try await cluster.change(ClusterTask.self, "t1") { $0.desiredState = .shutdown }
        #expect(assignment(cluster, "n1").networkState.publishedPorts.map(\.port) == [8080])
    }

    @Test func peersOfTheIngressNetworkAreTheOtherNodes() async throws {
        let cluster = try await cluster()
        try await cluster.change(Network.self, "ingressnet") {
            $0.nodeAddresses = ["n1": "10.255.0.2/16", "n2": "10.255.0.3/16", "gone": "10.255.0.4/16"]
        }
        let ingress = try #require(network("ingressnet", assignment(cluster, "n1")))
        #expect(ingress.nodeAddress == IPv4Address("10.255.0.2"))
        #expect(ingress.nodePeers.map(\.nodeID) == ["n2"])
    }

    // MARK: Secrets and configs

    @Test func aNodeGetsWhatItsOwnTasksUseAlone() async throws {
        let cluster = try await cluster()
        try await cluster.addSecret("s1", "one")
        try await cluster.addSecret("s2", "two")
        try await cluster.addSecret("unused", "three")
        try await cluster.addConfig("c1", "four")
        try await cluster.use(secrets: ["s1"], configs: ["c1"], in: "t1")
        try await cluster.use(secrets: ["s2", "gone"], configs: ["c1"], in: "t2")
        #expect(assignment(cluster, "n1").files == ["c1", "s1"])
        #expect(assignment(cluster, "n2").files == ["c1", "s2"])
        // A task that ended needs nothing any more, one that is only asked to end does.
        try await cluster.change(ClusterTask.self, "t1") { $0.desiredState = .shutdown }
        #expect(assignment(cluster, "n1").files == ["c1", "s1"])
        let before = assignment(cluster, "n1")
        try await cluster.change(ClusterTask.self, "t1") { $0.status.state = .shutdown }
        #expect(assignment(cluster, "n1").files.isEmpty)
        let changes = try #require(assignment(cluster, "n1").changes(since: before, sequence: 2))
        #expect(changes.removedFiles == ["c1", "s1"])
        #expect(assignment(cluster, "n2").files == ["c1", "s2"])
    }

    @Test func filesGoInMessagesOfABoundedSize() async throws {
        let cluster = try await cluster()
        let ids = (10..<20).map { "s\($0)" }
        for id in ids { try await cluster.addSecret(id, String(repeating: "x", count: 400 << 10)) }
        let messages = AssignmentPlan(cluster.snapshot).messages(with: ids)
        #expect(messages.flatMap { $0 }.map(\.id) == ids)
        for message in messages {
            #expect(message.reduce(0) { $0 + $1.content.bytes.count } <= DispatchLimits.fileBytesPerMessage)
        }
        #expect(AssignmentPlan(cluster.snapshot).messages(with: []).isEmpty)
    }

    // MARK: Changes

    @Test func aStatusIsTheAgentsOwnWordAndSendsNothing() async throws {
        let cluster = try await cluster()
        let before = assignment(cluster, "n1")
        try await cluster.change(ClusterTask.self, "t1") { $0.status.message = "still here" }
        #expect(assignment(cluster, "n1").changes(since: before, sequence: 2) == nil)
    }

    @Test func changesSayWhatIsNewAndWhatIsGone() async throws {
        let cluster = try await cluster()
        let before = assignment(cluster, "n1")
        try await cluster.addTask("t5", node: "n1", state: .assigned)
        try await cluster.write { $0.delete(ClusterTask.self, "t1") }
        let changes = try #require(assignment(cluster, "n1").changes(since: before, sequence: 7))
        #expect(changes.sequence == 7)
        #expect(changes.updatedTasks.map(\.id) == ["t5"])
        #expect(changes.removedTasks == ["t1"])
        #expect(changes.networkState?.networks.map(\.id) == ["ingressnet"])
        try await cluster.change(ClusterTask.self, "t5") { $0.desiredState = .shutdown }
        let later = assignment(cluster, "n1")
        let more = try #require(
            later.changes(since: AssignmentPlan.Assignment(tasks: [], networkState: later.networkState), sequence: 8))
        #expect(more.updatedTasks.map(\.desiredState) == [.shutdown])
        #expect(more.networkState == nil)
    }

    // MARK: Leaving

    @Test func aHeldTaskIsOutOfTheBalanceAndNotToldYet() async throws {
        let cluster = try await cluster()
        try await cluster.change(ClusterTask.self, "t1") { $0.desiredState = .shutdown }
        let plan = AssignmentPlan(cluster.snapshot)
        #expect(plan.leaving == ["t1"])
        let held = plan.assignment(of: "n1", holding: plan.leaving)
        #expect(held.tasks.map(\.desiredState) == [.running])
        #expect(network("app", held)?.endpoints.map(\.isReady) == [false, true])
        #expect(plan.assignment(of: "n1").tasks.map(\.desiredState) == [.shutdown])
        try await cluster.write { $0.delete(Service.self, "web") }
        #expect(AssignmentPlan(cluster.snapshot).leaving.isEmpty, "nobody comes to a service that is gone")
    }

    @Test func thePauseIsOnceAndEnds() {
        var drain = DrainPause()
        #expect(drain.update(["a"], at: .zero) == DrainPause.length)
        #expect(drain.held == ["a"])
        #expect(drain.update(["a", "b"], at: .milliseconds(100)) == DrainPause.length)
        #expect(drain.update(["a", "b"], at: DrainPause.length) == nil)
        #expect(drain.held == ["b"])
        #expect(drain.update(["a"], at: DrainPause.length * 2) == nil)
        #expect(drain.held.isEmpty)
    }
}
