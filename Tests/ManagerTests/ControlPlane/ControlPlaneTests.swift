import Model
import Platform
import Store
import Synchronization
import TestSupport
import Testing

@testable import Manager

@Suite(.timeLimit(.minutes(1))) struct ControlPlaneTests {
    private func withControlPlane(
        _ cluster: TestCluster, through proposer: (any Proposer)? = nil, _ body: () async throws -> Void
    ) async throws {
        let controlPlane = ControlPlane(
            store: cluster.store, proposer: proposer ?? cluster.proposer, clock: cluster.time.clock,
            identifiers: RandomIdentifiers())
        let running = Task { await controlPlane.run() }
        let result: Result<Void, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        running.cancel()
        // Ends at once, or the test's time does.
        await running.value
        try result.get()
    }

    private func states(_ cluster: TestCluster, _ service: String) -> [TaskState] {
        cluster.snapshot.tasks(ofService: service).map(\.status.state)
    }

    @Test func aServiceBecomesTasksOnNodes() async throws {
        let cluster = try await TestCluster()
        try await cluster.addNode("n1")
        try await withControlPlane(cluster) {
            try await cluster.addService("web", replicas: 3)
            try await eventually(within: .seconds(40)) { states(cluster, "web") == [.assigned, .assigned, .assigned] }
            try await cluster.change(Service.self, "web") { $0.spec.mode = .replicated(1) }
            try await eventually(within: .seconds(40)) {
                cluster.snapshot.tasks(ofService: "web").filter { $0.desiredState <= .running }.count == 1
            }
        }
        let revision = cluster.store.revision
        try await cluster.change(Service.self, "web") { $0.spec.mode = .replicated(5) }
        try await Task.sleep(for: .milliseconds(50))
        #expect(cluster.store.revision == revision + 1, "who does not lead any more plans nothing")
    }

    /// Lets somebody else write first, once for each of the first proposals.
    private actor Rival: Proposer {
        let cluster: TestCluster
        private var left: Int

        init(_ cluster: TestCluster, times: Int) {
            self.cluster = cluster
            left = times
        }

        func propose(_ command: [UInt8]) async throws -> [UInt8] {
            if left > 0 {
                left -= 1
                let number = left
                try await cluster.change(Service.self, "web") { $0.spec.labels = ["rival": "\(number)"] }
            }
            return try await cluster.proposer.propose(command)
        }
    }

    @Test func whatSomebodyElseChangedFirstIsPlannedAnew() async throws {
        let cluster = try await TestCluster()
        try await cluster.addNode("n1")
        try await cluster.addNetwork("app", subnet: "10.1.0.0/24", vni: 5000)
        // Its virtual address makes the planners write the service, which is where they meet the rival.
        try await cluster.addService("web", replicas: 2, networks: ["app"])
        try await withControlPlane(cluster, through: Rival(cluster, times: 3)) {
            try await eventually(within: .seconds(40)) { states(cluster, "web") == [.assigned, .assigned] }
        }
        #expect(cluster.snapshot.get(Service.self, "web")?.spec.labels == ["rival": "0"])
    }

    @Test func aLostQuorumIsWaitedOut() async throws {
        let cluster = try await TestCluster()
        try await cluster.addNode("n1")
        try await cluster.addService("web", replicas: 2)
        await cluster.proposer.fail(times: 2)
        try await withControlPlane(cluster) {
            try await eventually(within: .seconds(40)) { states(cluster, "web") == [.assigned, .assigned] }
        }
    }

    @Test func scopesAreWhatAChangeMattersTo() async throws {
        let cluster = try await TestCluster()
        try await cluster.addNode("n1")
        let (_, feed) = cluster.store.watch()
        func scope(_ write: (TestCluster) async throws -> Void) async throws -> Scope {
            try await write(cluster)
            var scope = Scope.none
            for event in await feed.nextBatch() ?? [] {
                if case .changes(_, let changes) = event { for change in changes { scope.add(change) } }
            }
            return scope
        }
        #expect(try await scope { try await $0.addService("web") } == .services(["web"]))
        #expect(try await scope { try await $0.addTask("t1", node: "n1") } == .services(["web"]))
        #expect(try await scope { try await $0.change(Node.self, "n1") { $0.status.message = "x" } } == .none)
        #expect(try await scope { try await $0.change(Node.self, "n1") { $0.spec.availability = .drain } } == .all)
        #expect(try await scope { try await $0.write { $0.delete(ClusterTask.self, "t1") } } == .services(["web"]))
        #expect(try await scope { try await $0.addNetwork("app", subnet: "10.1.0.0/24", vni: 9) } == .all)
        #expect(
            try await scope { try await $0.change(Network.self, "app") { $0.rest(["10.1.0.5"], at: start) } } == .none)
        feed.cancel()
    }
}
