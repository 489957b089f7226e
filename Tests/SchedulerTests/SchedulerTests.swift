import Model
import Platform
import TestSupport
import Testing

@testable import Scheduler

struct SchedulerTests {
    static let gigabyte: Int64 = 1 << 30

    static func node(
        _ id: String, cpus: Int64 = 4, memory: Int64 = 8, labels: [String: String] = [:], takesTasks: Bool = true,
        tasks: [String: Int] = [:]
    ) -> NodeLoad {
        let traits = NodeTraits(
            id: id, hostname: "host-\(id)", platform: .init(architecture: "x86_64", os: "linux"), labels: labels,
            takesTasks: takesTasks)
        var load = NodeLoad(
            traits: traits, capacity: Reservation(nanoCPUs: cpus * 1_000_000_000, memoryBytes: memory * gigabyte))
        for (service, count) in tasks {
            for number in 0..<count {
                load.add(running("\(service)-\(id)-\(number)", of: service, on: id))
            }
        }
        return load
    }

    static func running(_ id: String, of service: String, on node: String, memory: Int64? = nil) -> ClusterTask {
        var spec = TaskSpec(containerSpec: nil)
        spec.resources = ResourceRequirements(reservations: Resources(memoryBytes: memory))
        var task = ClusterTask(
            id: id, createdAt: Timestamp(seconds: 0), spec: spec, serviceID: service, serviceName: service, slot: 1,
            nodeID: node)
        task.status.state = .running
        return task
    }

    static func tasks(
        _ count: Int, of service: String = "web", reservation: Reservation = .none, placement: Placement? = nil,
        hostPorts: [HostPort] = []
    ) -> [PendingTask] {
        (0..<count).map {
            PendingTask(
                id: "\(service).\($0)", serviceID: service, reservation: reservation, placement: placement,
                hostPorts: hostPorts)
        }
    }

    static func tally(_ placements: [TaskPlacement]) -> [String: Int] {
        placements.reduce(into: [:]) { $0[$1.nodeID ?? "nowhere", default: 0] += 1 }
    }

    static func explanations(_ placements: [TaskPlacement]) -> Set<String> {
        Set(
            placements.compactMap {
                if case .unplaceable(let explanation) = $0.outcome { explanation } else { nil }
            })
    }

    @Test func spreadsAServiceEvenly() {
        let nodes = ["a", "b", "c"].map { Self.node($0) }
        #expect(Self.tally(Scheduler.place(Self.tasks(9), on: nodes)) == ["a": 3, "b": 3, "c": 3])
    }

    @Test func aNodeWithFewerTasksOfTheServiceComesFirstThenTheEmptierOne() {
        let nodes = [
            Self.node("a", tasks: ["web": 1]), Self.node("b", tasks: ["db": 5]), Self.node("c", tasks: ["db": 4]),
        ]
        #expect(Scheduler.place(Self.tasks(3), on: nodes).map(\.nodeID) == ["c", "b", "a"])
    }

    @Test func theSeedDecidesBetweenEquals() {
        let nodes = (0..<8).map { Self.node("n\($0)") }
        let choices = (0..<64).map { Scheduler.place(Self.tasks(1), on: nodes, seed: $0)[0].nodeID }
        #expect(Set(choices).count > 4)
        #expect(choices == (0..<64).map { Scheduler.place(Self.tasks(1), on: nodes.reversed(), seed: $0)[0].nodeID })
    }

    @Test func reservationsFillNodesAndThenSayWhy() {
        let nodes = [Self.node("a", memory: 2), Self.node("b", memory: 4), Self.node("c", takesTasks: false)]
        let wanted = Reservation(nanoCPUs: 0, memoryBytes: Self.gigabyte)
        let placements = Scheduler.place(Self.tasks(8, reservation: wanted), on: nodes)
        #expect(Self.tally(placements) == ["a": 2, "b": 4, "nowhere": 2])
        #expect(
            Self.explanations(placements) == [
                "no suitable node (insufficient resources on 2 nodes; 1 node not available for new tasks)"
            ])
    }

    @Test func tasksThatAreToStopStillHoldResources() {
        var node = Self.node("a", memory: 2)
        var leaving = Self.running("t1", of: "web", on: "a", memory: 2 * Self.gigabyte)
        leaving.desiredState = .shutdown
        node.add(leaving)
        #expect(node.taskCount == 0)
        let wanted = Reservation(nanoCPUs: 0, memoryBytes: 1)
        #expect(Scheduler.place(Self.tasks(1, reservation: wanted), on: [node])[0].nodeID == nil)
        #expect(Scheduler.place(Self.tasks(1), on: [node])[0].nodeID == "a")
        leaving.status.state = .shutdown
        var after = Self.node("a", memory: 2)
        after.add(leaving)
        #expect(Scheduler.place(Self.tasks(1, reservation: wanted), on: [after])[0].nodeID == "a")
    }

    @Test func absurdReservationsDoNotOverflow() {
        let wanted = Reservation(nanoCPUs: .max, memoryBytes: .max)
        var node = Self.node("a")
        node.reserved = Reservation(nanoCPUs: .max, memoryBytes: .max)
        #expect(Scheduler.place(Self.tasks(2, reservation: wanted), on: [node]).allSatisfy { $0.nodeID == nil })
        #expect(Reservation(nanoCPUs: -5, memoryBytes: .min) == .none)
    }

    @Test func constraintsAndPlatformsAreFulfilled() {
        let nodes = [
            Self.node("a", labels: ["zone": "x"]), Self.node("b", labels: ["zone": "y"]), Self.node("c"),
        ]
        let inY = Placement(constraints: ["node.labels.zone==y"])
        #expect(Self.tally(Scheduler.place(Self.tasks(3, placement: inY), on: nodes)) == ["b": 3])
        let nowhere = Scheduler.place(Self.tasks(1, placement: Placement(constraints: ["node.id==zz"])), on: nodes)
        #expect(Self.explanations(nowhere) == ["no suitable node (scheduling constraints not satisfied on 3 nodes)"])
        let arm = Placement(platforms: [.init(architecture: "arm64", os: "linux")])
        #expect(
            Self.explanations(Scheduler.place(Self.tasks(1, placement: arm), on: nodes)) == [
                "no suitable node (unsupported platform on 3 nodes)"
            ])
        let amd = Placement(platforms: [.init(architecture: "amd64", os: "linux")])
        #expect(Scheduler.place(Self.tasks(1, placement: amd), on: nodes)[0].nodeID != nil)
        let wrong = Scheduler.place(Self.tasks(1, placement: Placement(constraints: ["zone=y"])), on: nodes)
        #expect(Self.explanations(wrong).first?.contains("expected one operator of ==, !=") == true)
    }

    @Test func obstaclesAreExplainedByFrequency() {
        let nodes =
            (0..<3).map { Self.node("x\($0)", labels: ["zone": "x"]) }
            + (0..<2).map { Self.node("y\($0)", memory: 0, labels: ["zone": "y"]) }
        let placements = Scheduler.place(
            Self.tasks(
                1, reservation: Reservation(nanoCPUs: 0, memoryBytes: 1),
                placement: Placement(constraints: ["node.labels.zone==y"])),
            on: nodes)
        #expect(
            Self.explanations(placements) == [
                "no suitable node (scheduling constraints not satisfied on 3 nodes; insufficient resources on 2 nodes)"
            ])
        #expect(Self.explanations(Scheduler.place(Self.tasks(1), on: [])) == ["no suitable node"])
    }

    @Test func replicasPerNodeAreLimited() {
        let nodes = [Self.node("a", tasks: ["web": 1]), Self.node("b")]
        let placements = Scheduler.place(Self.tasks(5, placement: Placement(maxReplicas: 2)), on: nodes)
        #expect(Self.tally(placements) == ["a": 1, "b": 2, "nowhere": 2])
        #expect(Self.explanations(placements) == ["no suitable node (max replicas per node limit exceed)"])
    }

    @Test func aHostPortIsTakenOncePerNode() {
        let nodes = [Self.node("a"), Self.node("b")]
        let port = [HostPort(transport: .tcp, port: 80)]
        let placements = Scheduler.place(
            Self.tasks(3, hostPorts: port) + Self.tasks(1, of: "other", hostPorts: port)
                + Self.tasks(1, of: "dns", hostPorts: [HostPort(transport: .udp, port: 80)]), on: nodes)
        #expect(Self.tally(Array(placements.prefix(3))) == ["a": 1, "b": 1, "nowhere": 1])
        #expect(placements[3].nodeID == nil)
        #expect(placements[4].nodeID != nil)
        #expect(
            Self.explanations(placements) == ["no suitable node (host-mode port already in use on 2 nodes)"])
    }

    @Test func preferencesEvenOutOverLabelsFirst() {
        let nodes =
            [Self.node("x0", labels: ["zone": "x", "rack": "1"])]
            + (0..<3).map { Self.node("y\($0)", labels: ["zone": "y", "rack": "\($0 % 2)"]) }
        let byZone = Placement(preferences: [.init(spread: .init(descriptor: "node.labels.zone"))])
        let placements = Self.tally(Scheduler.place(Self.tasks(12, placement: byZone), on: nodes))
        #expect(placements == ["x0": 6, "y0": 2, "y1": 2, "y2": 2])
        let byZoneAndRack = Placement(preferences: [
            .init(spread: .init(descriptor: "node.labels.zone")), .init(spread: .init(descriptor: "node.labels.rack")),
        ])
        let nested = Self.tally(Scheduler.place(Self.tasks(16, placement: byZoneAndRack), on: nodes))
        #expect(nested == ["x0": 8, "y0": 2, "y1": 4, "y2": 2])
    }

    @Test func aFullBranchLeavesItsShareToTheOthers() {
        let nodes = [
            Self.node("x", memory: 2, labels: ["zone": "x"]), Self.node("y", memory: 6, labels: ["zone": "y"]),
            Self.node("z", labels: [:]),
        ]
        let placements = Scheduler.place(
            Self.tasks(
                12, reservation: Reservation(nanoCPUs: 0, memoryBytes: Self.gigabyte),
                placement: Placement(preferences: [.init(spread: .init(descriptor: "node.labels.zone"))])),
            on: nodes)
        #expect(Self.tally(placements) == ["x": 2, "y": 5, "z": 5])
    }

    @Test func tasksBoundToANodeGoThereOrNowhere() {
        let nodes = [Self.node("a"), Self.node("b", takesTasks: false)]
        let bound = ["a", "b", "gone"].map { (node: String) in
            PendingTask(id: "t-\(node)", serviceID: "g", nodeID: node)
        }
        let placements = Scheduler.place(bound, on: nodes)
        #expect(placements.map(\.nodeID) == ["a", nil, nil])
        #expect(
            placements[1].outcome
                == .unplaceable(explanation: "no suitable node (1 node not available for new tasks)"))
        #expect(Scheduler.objection(to: bound[0], on: nodes[0]) == nil)
        #expect(Scheduler.objection(to: bound[0], on: nodes[1]) != nil)
    }

    @Test func answersComeInTheOrderOfTheTasks() {
        let nodes = (0..<4).map { Self.node("n\($0)") }
        var tasks: [PendingTask] = []
        for number in 0..<20 {
            tasks.append(PendingTask(id: "t\(number)", serviceID: "s\(number % 3)"))
        }
        #expect(Scheduler.place(tasks, on: nodes).map(\.taskID) == tasks.map(\.id))
    }

    /// Every placement is one that the rules allow, whatever the mix.
    @Test(arguments: 0..<20)
    func noRuleIsBrokenInARandomCluster(seed: UInt64) throws {
        var random = Seeded(seed)
        let zones = ["x", "y", "z"]
        let nodes = (0..<Int.random(in: 1...30, using: &random)).map { index in
            Self.node(
                "n\(index)", cpus: .random(in: 1...8, using: &random), memory: .random(in: 1...16, using: &random),
                labels: ["zone": zones.randomElement(using: &random) ?? "x"],
                takesTasks: Bool.random(using: &random))
        }
        var tasks: [PendingTask] = []
        for service in 0..<10 {
            let zone = zones.randomElement(using: &random) ?? "x"
            tasks += Self.tasks(
                .random(in: 1...20, using: &random), of: "s\(service)",
                reservation: Reservation(
                    nanoCPUs: .random(in: 0...1_000_000_000, using: &random),
                    memoryBytes: .random(in: 0...Self.gigabyte, using: &random)),
                placement: Placement(
                    constraints: Bool.random(using: &random) ? ["node.labels.zone!=\(zone)"] : nil,
                    preferences: Bool.random(using: &random)
                        ? [.init(spread: .init(descriptor: "node.labels.zone"))] : nil,
                    maxReplicas: Bool.random(using: &random) ? 2 : nil))
        }
        tasks.shuffle(using: &random)
        let placements = Scheduler.place(tasks, on: nodes, seed: seed)
        var after = Dictionary(uniqueKeysWithValues: nodes.map { ($0.traits.id, $0) })
        for (task, placement) in zip(tasks, placements) {
            guard let nodeID = placement.nodeID else { continue }
            after[nodeID]?.add(task)
        }
        for (task, placement) in zip(tasks, placements) {
            guard let nodeID = placement.nodeID else {
                for node in after.values {
                    #expect(Scheduler.objection(to: task, on: node) != nil, "\(task.id) would fit on \(node.traits.id)")
                }
                continue
            }
            let node = try #require(after[nodeID])
            #expect(node.traits.takesTasks)
            #expect(try ConstraintSet(task.placement?.constraints).isSatisfied(by: node.traits))
            #expect(node.reserved.nanoCPUs <= node.capacity.nanoCPUs)
            #expect(node.reserved.memoryBytes <= node.capacity.memoryBytes)
            if let limit = task.placement?.maxReplicas {
                #expect(try #require(node.tasksByService[task.serviceID]) <= limit)
            }
        }
        #expect(placements == Scheduler.place(tasks, on: nodes, seed: seed))
    }

    /// Not a timed test: prints what a thousand nodes and ten thousand tasks cost.
    @Test(arguments: [10, 1_000])
    func tenThousandTasksOnAThousandNodes(services: Int) {
        let nodes = (0..<1_000).map {
            Self.node(
                "n\($0)", cpus: 64, memory: 256, labels: ["zone": "z\($0 % 5)", "disk": $0 % 2 == 0 ? "ssd" : "hdd"])
        }
        var tasks: [PendingTask] = []
        for service in 0..<services {
            tasks += Self.tasks(
                10_000 / services, of: "s\(service)",
                reservation: Reservation(nanoCPUs: 1_000_000, memoryBytes: 64 << 20),
                placement: Placement(
                    constraints: ["node.labels.disk==ssd"],
                    preferences: [.init(spread: .init(descriptor: "node.labels.zone"))]))
        }
        var placements: [TaskPlacement] = []
        let elapsed = ContinuousClock().measure { placements = Scheduler.place(tasks, on: nodes) }
        print("scheduler: \(tasks.count) tasks of \(services) services on \(nodes.count) nodes in \(elapsed)")
        #expect(placements.allSatisfy { $0.nodeID != nil })
        let tally = Self.tally(placements)
        #expect(tally.count == 500 && tally.values.allSatisfy { $0 == 20 } || services == 1_000)
    }
}
