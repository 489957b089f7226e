import Model
import Platform
import Store
import Testing

@testable import Manager

/// Single stories of the planners, told over the simulated world without disturbance.
@Suite(.timeLimit(.minutes(2))) struct ScenarioTests {
    private func world(_ mode: ServiceMode, _ restart: RestartPolicy? = nil, nodes: Int = 3) throws -> World {
        var world = try World(seed: 7, nodes: nodes)
        let spec = ServiceSpec(
            name: "web",
            taskTemplate: TaskSpec(containerSpec: ContainerSpec(image: "bb:1"), restartPolicy: restart), mode: mode)
        let now = world.now
        try world.commit { try $0.put(Service(id: "web", createdAt: now, spec: spec)) }
        try world.settle()
        return world
    }

    private func fail(_ world: inout World, _ id: String, as state: TaskState = .failed) throws {
        let now = world.now
        try world.change(ClusterTask.self, id) { $0.status = TaskStatus(timestamp: now, state: state) }
    }

    private func nodes(_ world: World) -> [String] { world.running("web").compactMap(\.nodeID).sorted() }

    @Test func aNodeThatComesBackLeavesNoDuplicate() throws {
        var world = try world(.replicated(3))
        let lost = try #require(world.running("web").first)
        let node = try #require(lost.nodeID)
        world.machines[node]?.isUp = false
        try world.change(Node.self, node) { $0.status.state = .down }
        try world.settle()
        #expect(world.running("web").count == 3)
        // Its container has run all the while.
        #expect(world.snapshot.get(ClusterTask.self, lost.id)?.status.state == .running)
        #expect(world.snapshot.get(ClusterTask.self, lost.id)?.desiredState == .shutdown)
        #expect(AssignmentPlan(world.snapshot).assignment(of: node).tasks.contains { $0.id == lost.id })
        world.machines[node]?.isUp = true
        try world.change(Node.self, node) { $0.status.state = .ready }
        try world.settle()
        #expect(world.running("web").count == 3)
        #expect(world.snapshot.get(ClusterTask.self, lost.id)?.status.state == .shutdown)
        let live = world.snapshot.tasks(ofService: "web").filter { !$0.status.state.isTerminal }
        #expect(live.count == 3)
    }

    @Test(arguments: [true, false]) func tasksOfARemovedNodeGo(serviceStays: Bool) throws {
        var world = try world(.replicated(3))
        let node = try #require(world.running("web").first?.nodeID)
        world.machines[node]?.isUp = false
        try world.change(Node.self, node) { $0.status.state = .down }
        try world.settle()
        #expect(world.snapshot.tasks(onNode: node).contains { $0.status.state == .running })
        if !serviceStays { try world.commit { $0.delete(Service.self, "web") } }
        try world.commit { $0.delete(Node.self, node) }
        try world.settle()
        #expect(!world.snapshot.tasks(onNode: node).contains { !$0.status.state.isTerminal })
        #expect(world.running("web").count == (serviceStays ? 3 : 0))
        if !serviceStays { #expect(world.snapshot.count(ClusterTask.self) == 0) }
    }

    @Test func aGlobalServiceHeedsWhatNodesAreAvailableFor() throws {
        var world = try world(.global)
        #expect(nodes(world) == ["node1", "node2", "node3"])
        try world.change(Node.self, "node1") { $0.spec.availability = .drain }
        try world.change(Node.self, "node2") { $0.spec.availability = .pause }
        try world.settle()
        #expect(nodes(world) == ["node2", "node3"], "a node that pauses keeps what it has")
        try world.addNode("node4")
        try world.change(Node.self, "node4") { $0.spec.availability = .pause }
        try world.settle()
        #expect(nodes(world) == ["node2", "node3"], "and gets nothing new")
        for node in ["node1", "node4"] { try world.change(Node.self, node) { $0.spec.availability = .active } }
        try world.settle()
        #expect(nodes(world) == ["node1", "node2", "node3", "node4"])
    }

    @Test func aLeaderChangeMovesNothing() throws {
        var world = try world(.replicated(6))
        let before = world.running("web").map(\.id).sorted()
        world.machines["node3"]?.isUp = false
        try world.changeLeader()
        try world.updateService("web") { $0.mode = .replicated(9) }
        try world.settle()
        #expect(world.snapshot.get(Node.self, "node3")?.status.isDoubted == true)
        let after = world.running("web")
        #expect(Set(before).isSubset(of: after.map(\.id)))
        #expect(after.count == 9, "what is new is where a machine is there to run it")
        #expect(after.filter { $0.nodeID == "node3" }.count == 2)
    }

    @Test func aGlobalTaskStaysWithANodeThatIsDown() throws {
        var world = try world(.global)
        let before = world.running("web").map(\.id)
        world.machines["node1"]?.isUp = false
        try world.change(Node.self, "node1") { $0.status.state = .down }
        try world.settle()
        world.machines["node1"]?.isUp = true
        try world.change(Node.self, "node1") { $0.status.state = .ready }
        try world.settle()
        #expect(world.running("web").map(\.id) == before)
    }

    @Test func aRestartWaitsForItsDelay() throws {
        var world = try world(.replicated(1), RestartPolicy(condition: .any, delay: 60_000_000_000))
        let first = try #require(world.running("web").first)
        try fail(&world, first.id)
        let end = world.elapsed
        while world.elapsed < end + .seconds(55) {
            try world.reconcile()
            try world.stepAgents()
            #expect(world.running("web").isEmpty)
        }
        try world.settle()
        #expect(world.running("web").count == 1)
    }

    @Test func restartsEndWithTheirAttempts() throws {
        var world = try world(
            .replicated(1), RestartPolicy(condition: .onFailure, delay: 1_000_000_000, maxAttempts: 2))
        for _ in 0..<2 {
            try fail(&world, try #require(world.running("web").first?.id))
            try world.settle()
        }
        try fail(&world, try #require(world.running("web").first?.id))
        try world.settle()
        #expect(world.running("web").isEmpty)
        #expect(world.snapshot.tasks(ofService: "web").count == 3)
    }

    @Test(arguments: [
        (RestartPolicy.Condition.onFailure, TaskState.complete, 0), (.onFailure, .failed, 1), (.none, .failed, 0),
        (.any, .complete, 1),
    ]) func theConditionSaysAfterWhichEnd(condition: RestartPolicy.Condition, end: TaskState, running: Int) throws {
        var world = try world(.replicated(1), RestartPolicy(condition: condition, delay: 1_000_000_000))
        try fail(&world, try #require(world.running("web").first?.id), as: end)
        try world.settle()
        #expect(world.running("web").count == running)
    }
}
