import Foundation
import Model
import Platform
import Store
import Testing

@testable import Manager

/// What rounds cost, printed; only where it is asked for, because a figure is not a test.
@Suite(
    .serialized, .timeLimit(.minutes(5)),
    .enabled(if: ProcessInfo.processInfo.environment["MARTLET_COST"] != nil, "set MARTLET_COST to measure"))
struct CostTests {
    private func measure(_ what: String, _ body: () throws -> Void) rethrows {
        let begin = ContinuousClock.now
        try body()
        print("cost: \(what): \(ContinuousClock.now - begin)")
    }

    private func create(_ world: inout World, _ id: String, _ replicas: UInt64) throws {
        let now = world.now
        let spec = ServiceSpec(
            name: id,
            taskTemplate: TaskSpec(
                containerSpec: ContainerSpec(image: "bb:1"), networks: [NetworkAttachmentConfig(target: "appnet")]),
            mode: .replicated(replicas))
        try world.commit { try $0.put(Service(id: id, createdAt: now, spec: spec)) }
    }

    /// As the control plane does it, without the simulation's own checks.
    private func round(_ world: inout World, _ scope: Scope) throws {
        let draft = world.reconciler.plan(
            world.snapshot, scope, now: world.now, monotonic: world.elapsed, identifiers: world.ids)
        try world.apply(draft.transaction)
    }

    private func runAll(_ world: inout World) throws {
        let tasks = world.snapshot.all(ClusterTask.self)
        for start in stride(from: 0, to: tasks.count, by: Command.writesLimit) {
            try world.commit { tx in
                for var task in tasks[start..<min(start + Command.writesLimit, tasks.count)] {
                    task.status.state = .running
                    try tx.put(task)
                }
            }
        }
    }

    @Test(arguments: [(1, 50, 5), (50, 100, 100)]) func rounds(services: Int, replicas: Int, nodes: Int) throws {
        var world = try World(seed: 1, nodes: nodes)
        try world.change(Network.self, "appnet") {
            $0.ipam.config = [.init(subnet: "10.64.0.0/16", gateway: "10.64.0.1")]
        }
        for number in 0..<services { try create(&world, "s\(number)", UInt64(replicas)) }
        print("cost: \(services) services of \(replicas) on \(nodes) nodes")
        try measure("the first round: make, allocate and place all") { try round(&world, .all) }
        try runAll(&world)
        try measure("a full round that finds nothing to do") { try round(&world, .all) }
        try measure("a round of one service that finds nothing to do") { try round(&world, .services(["s0"])) }
        let now = world.now
        let first = try #require(world.snapshot.tasks(ofService: "s0").first)
        try world.change(ClusterTask.self, first.id) { $0.status = TaskStatus(timestamp: now, state: .failed) }
        try measure("a round after one task failed") { try round(&world, .services(["s0"])) }
        var plan = AssignmentPlan(world.snapshot)
        measure("the plan of all assignments") { plan = AssignmentPlan(world.snapshot) }
        let before = (1...nodes).map { plan.assignment(of: "node\($0)") }
        measure("each node's assignment and what changed in it") {
            for number in 1...nodes {
                let assignment = plan.assignment(of: "node\(number)")
                #expect(assignment.changes(since: before[number - 1], sequence: 2) == nil)
            }
        }
    }
}
