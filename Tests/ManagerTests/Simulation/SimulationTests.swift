import Foundation
import Model
import Platform
import Store
import Testing

@testable import Manager

@Suite struct SimulationTests {
    /// Twelve, and what has found something: 31, a rollback that stopped a task of the spec that it went back to. Or as many as
    /// `MARTLET_SEEDS` says, or the one that it names as `=99`.
    static let seeds: [UInt64] = {
        let wanted = ProcessInfo.processInfo.environment["MARTLET_SEEDS"] ?? ""
        if wanted.hasPrefix("="), let seed = UInt64(wanted.dropFirst()) { return [seed] }
        return wanted.isEmpty ? Array(1...12) + [31] : Array(1...max(1, UInt64(wanted) ?? 12))
    }()

    @Test(.timeLimit(.minutes(10)), arguments: seeds) func convergesWhateverHappens(seed: UInt64) async throws {
        var world = try World(seed: seed, nodes: 5)
        var services: [String: Int] = [:]
        for step in 0..<150 {
            // Others' tests wait for their turn on the same few threads.
            await Task.yield()
            try disturb(&world, &services, step)
            if world.random.chance(70) {
                // Now and then the leader is gone between two batches of what it wanted.
                let isCut = world.random.chance(10)
                try world.reconcile(batches: isCut ? 1 : nil, size: isCut ? 3 : Command.writesLimit)
                if isCut || world.random.chance(3) { try world.changeLeader() }
            }
            try world.stepAgents()
        }
        world.failures = 0
        for node in world.snapshot.all(Node.self) {
            world.machines[node.id]?.isUp = true
            try world.change(Node.self, node.id) { node in
                node.status.state = .ready
                node.spec.availability = .active
            }
        }
        try world.settle(limit: 30)
        for id in services.keys.sorted() {
            guard let service = world.snapshot.get(Service.self, id) else { continue }
            if let state = service.updateStatus?.state, state.hasSuffix("paused") {
                try world.updateService(id) { $0.taskTemplate.forceUpdate = ($0.taskTemplate.forceUpdate ?? 0) + 1 }
            }
        }
        try world.settle()
        check(world, services)
        let revision = world.snapshot.revision
        try world.reconcile()
        #expect(world.snapshot.revision == revision, "seed \(seed): the planners do not come to rest")
    }

    private func check(_ world: World, _ services: [String: Int]) {
        for id in services.keys.sorted() {
            guard let service = world.snapshot.get(Service.self, id) else {
                #expect(world.snapshot.tasks(ofService: id).isEmpty)
                continue
            }
            let wanted = service.spec.replicas.map(Int.init) ?? world.snapshot.count(Node.self)
            let running = world.running(id)
            #expect(running.count == wanted, "service \(id): \(service.updateStatus?.state ?? "no update")")
            for task in running {
                #expect(
                    !TaskFactory.isDirty(task, in: service, task.nodeID.flatMap { world.snapshot.get(Node.self, $0) }))
            }
            let live = world.snapshot.tasks(ofService: id).filter { !$0.status.state.isTerminal }
            #expect(live.count == wanted)
            let history = Dictionary(grouping: world.snapshot.tasks(ofService: id)) { Slot.key(of: $0) }
            #expect(history.values.allSatisfy { $0.count <= 6 })
        }
        for service in world.snapshot.all(Service.self) {
            if let state = service.updateStatus?.state { #expect(state.hasSuffix("completed"), "\(service.id)") }
        }
    }

    private func disturb(_ world: inout World, _ services: inout [String: Int], _ step: Int) throws {
        let existing = services.keys.sorted().filter { world.snapshot.get(Service.self, $0) != nil }
        switch world.random.below(14) {
        case 0 where existing.count < 4, 1 where existing.isEmpty:
            try create(&world, &services, step)
        case 2, 3:
            guard let id = world.random.pick(existing) else { return }
            let replicas = UInt64(world.random.below(8))
            guard world.snapshot.get(Service.self, id)?.spec.isGlobal == false else { return }
            try world.updateService(id) { $0.mode = .replicated(replicas) }
        case 4:
            guard let id = world.random.pick(existing) else { return }
            let startsFirst = world.random.chance(40)
            let wide = UInt64(world.random.below(3))
            try world.updateService(id) { spec in
                spec.taskTemplate.containerSpec?.env = ["STEP=\(step)"]
                spec.updateConfig = UpdateConfig(
                    parallelism: wide, delay: 1_000_000_000, failureAction: step % 3 == 0 ? "rollback" : "pause",
                    order: startsFirst ? "start-first" : "stop-first")
            }
        case 5:
            guard let id = world.random.pick(world.machines.keys.sorted()) else { return }
            // The agent's heart beats no more, and the dispatcher has seen that.
            world.machines[id]?.isUp = false
            try world.change(Node.self, id) { $0.status.state = .down }
        case 6:
            let down = world.machines.keys.sorted().filter { world.machines[$0]?.isUp == false }
            guard let id = world.random.pick(down) else { return }
            world.machines[id]?.isUp = true
            try world.change(Node.self, id) { $0.status.state = .ready }
        case 7:
            guard let id = world.random.pick(world.machines.keys.sorted()) else { return }
            let availability: NodeAvailability = world.random.chance(50) ? .drain : .active
            try world.change(Node.self, id) { $0.spec.availability = availability }
        case 8: world.failures = world.random.chance(50) ? 0 : 10
        case 9 where existing.count > 2:
            guard let id = world.random.pick(existing) else { return }
            try world.commit { transaction in
                if let service = transaction.get(Service.self, id) { try transaction.remove(service) }
            }
        case 10 where world.random.chance(20):
            // A node is removed for good, and another one comes.
            guard let id = world.random.pick(world.machines.keys.sorted()) else { return }
            world.machines[id] = nil
            try world.commit { $0.delete(Node.self, id) }
            try world.addNode("late\(step)")
        default: break
        }
    }

    private func create(_ world: inout World, _ services: inout [String: Int], _ step: Int) throws {
        let id = world.ids.next()
        var spec = ServiceSpec(
            name: "service\(step)",
            taskTemplate: TaskSpec(
                containerSpec: ContainerSpec(image: "bb:1"),
                restartPolicy: RestartPolicy(condition: .any, delay: 2_000_000_000),
                networks: world.random.chance(70) ? [NetworkAttachmentConfig(target: "appnet")] : nil),
            mode: world.random.chance(25) ? .global : .replicated(UInt64(world.random.below(7))))
        if world.random.chance(50) {
            spec.endpointSpec = EndpointSpec(ports: [PortConfig(targetPort: 80)])
        }
        let now = world.now
        try world.commit { try $0.put(Service(id: id, createdAt: now, spec: spec)) }
        services[id] = step
    }
}
