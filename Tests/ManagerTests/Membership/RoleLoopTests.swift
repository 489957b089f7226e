import Model
import Platform
import Store
import TestSupport
import Testing

@testable import Manager

@Suite(.timeLimit(.minutes(1))) struct RoleLoopTests {
    private static func run(_ body: (TestCluster) async throws -> Void) async throws {
        let cluster = try await TestCluster()
        try await cluster.addNode("m1")
        try await cluster.change(Node.self, "m1") { $0.spec.role = .manager }
        cluster.members.set(["m1": ManagerStatus(leader: true, reachability: .reachable, address: "m1:2377")])
        let dispatcher = Dispatcher(
            store: cluster.store, proposer: cluster.proposer, clock: cluster.time.clock, members: cluster.members,
            logs: LogBroker())
        let loop = RoleLoop(
            store: cluster.store, proposer: cluster.proposer, clock: cluster.time.clock, dispatcher: dispatcher,
            members: cluster.members)
        let task = Task { await loop.run() }
        let result: Result<Void, any Error>
        do { result = .success(try await body(cluster)) } catch { result = .failure(error) }
        task.cancel()
        await task.value
        try result.get()
    }

    @Test func whoHasItsCertificateIsAdded() async throws {
        try await Self.run { cluster in
            try await cluster.addNode("w1")
            try await cluster.change(Node.self, "w1") { node in
                node.clusterAddress = "192.0.2.8:2377"
                node.wish(.manager)
                node.certificate = NodeCertificate(
                    issuer: "r", trusted: ["r"], role: .manager, incarnation: node.incarnation)
            }
            try await eventually { cluster.members.added.first == "w1#1@192.0.2.8:2377" }
        }
    }

    @Test func whoHasLeftTheGroupCountsAsAWorker() async throws {
        try await Self.run { cluster in
            try await cluster.addNode("m2")
            try await cluster.change(Node.self, "m2") { node in
                node.spec.role = .worker
                node.role = .manager
            }
            try await eventually { cluster.snapshot.get(Node.self, "m2")?.role == .worker }
            #expect(cluster.members.removed.isEmpty)
        }
    }

    @Test func aLeaderThatIsToBeAWorkerHandsOver() async throws {
        try await Self.run { cluster in
            try await cluster.addNode("m2")
            try await cluster.change(Node.self, "m2") { $0.spec.role = .manager }
            cluster.members.set([
                "m1": ManagerStatus(leader: true, reachability: .reachable, address: "m1:2377"),
                "m2": ManagerStatus(reachability: .reachable, address: "m2:2377"),
            ])
            try await cluster.change(Node.self, "m1") { $0.wish(.worker) }
            try await eventually { cluster.members.leaders.first == "m2" }
            #expect(cluster.members.removed.isEmpty)
        }
    }

    /// Nobody comes for it any more: the join failed, and whoever asked for it knows.
    @Test func whoWasLetInAndNeverCameIsForgotten() async throws {
        try await Self.run { cluster in
            for id in ["late", "here"] {
                try await cluster.addNode(id, state: .unknown)
                try await cluster.change(Node.self, id) { $0.status.message = NodeStatus.letIn }
            }
            try await cluster.change(Node.self, "here") { $0.status = NodeStatus(state: .ready) }
            try await Task.sleep(for: .milliseconds(300))
            #expect(cluster.snapshot.get(Node.self, "late") != nil)
            // It counts from when the leader saw it first, whenever that was.
            try await eventually {
                cluster.time.advance(by: .seconds(10))
                return cluster.snapshot.get(Node.self, "late") == nil
            }
            #expect(cluster.snapshot.get(RemovedNode.self, "late") != nil)
            #expect(cluster.snapshot.get(Node.self, "here") != nil)
        }
    }
}
