import Model
import Platform
import Store
import Testing

@testable import Manager

/// A cluster without I/O: a store, a leader's planners, and agents that do as they are told, or fail at it.
struct World {
    struct Machine {
        /// Powered and connected.
        var isUp = true
    }

    let store = Store()
    let ids: SeededIdentifiers
    var random: SeededRandom
    var reconciler = Reconciler()
    var elapsed: Duration = .zero
    var machines: [String: Machine] = [:]
    /// Percent of tasks that fail at a step.
    var failures = 0
    private var index: UInt64 = 0
    private var watch: InvariantWatch

    static let start = Timestamp(seconds: 1_800_000_000)

    init(seed: UInt64, nodes: Int) throws {
        ids = SeededIdentifiers(seed: seed)
        random = SeededRandom(seed: seed)
        watch = InvariantWatch(seed: seed)
        let now = Self.start
        try commit { tx in
            try tx.put(
                Cluster(
                    id: "cluster", createdAt: now, spec: ClusterSpec(name: "default"), dataPathPort: 4789,
                    defaultAddressPool: ["10.0.0.0/8"], subnetSize: 24))
            try tx.put(
                Network(
                    id: "ingressnet", createdAt: now, name: "ingress",
                    ipam: .init(config: [.init(subnet: "10.255.0.0/16", gateway: "10.255.0.1")]), ingress: true))
            try tx.put(Network(id: "appnet", createdAt: now, name: "app"))
        }
        for number in 1...nodes { try addNode("node\(number)") }
    }

    var now: Timestamp { Self.start + elapsed }
    var snapshot: Snapshot { store.snapshot }

    mutating func commit(_ body: (inout Transaction) throws -> Void) throws {
        var transaction = Transaction(store.snapshot, at: now)
        try body(&transaction)
        try apply(transaction)
    }

    /// Applies at most `batches` of the transaction's commands; nil means all.
    mutating func apply(_ transaction: Transaction, batches: Int? = nil, size: Int = Command.writesLimit) throws {
        for command in try transaction.commands(limit: size).prefix(batches ?? .max) {
            index += 1
            let result = try CommandResult(decoding: try store.apply(index: index, term: 1, command: command.encoded))
            guard case .applied = result else {
                Issue.record("a command without a rival was rejected: \(result)")
                return
            }
        }
    }

    mutating func addNode(_ id: String) throws {
        let description = NodeDescription(
            hostname: id, platform: .init(architecture: "x86_64", os: "linux"),
            resources: Resources(nanoCPUs: 4_000_000_000, memoryBytes: 8 << 30),
            engine: EngineDescription(engineVersion: "1"))
        let node = Node(
            id: id, createdAt: now, spec: NodeSpec(role: .worker), description: description,
            status: NodeStatus(state: .ready, address: "192.0.2.1"), dataPathAddress: "192.0.2.1")
        try commit { try $0.put(node) }
        machines[id] = Machine()
    }

    mutating func change<Object: ClusterObject>(
        _ type: Object.Type, _ id: String, _ body: (inout Object) -> Void
    ) throws {
        try commit { tx in
            guard var object = tx.get(type, id) else { return }
            body(&object)
            try tx.put(object)
        }
    }

    /// As the API does it: the spec gets a version of its own and the status of the last update goes.
    mutating func updateService(_ id: String, _ body: (inout ServiceSpec) -> Void) throws {
        try change(Service.self, id) { service in
            service.previousSpec = service.spec
            body(&service.spec)
            service.specVersion = service.version
            service.updateStatus = nil
        }
    }

    /// One round of planners; `batches` nil commits all of it.
    mutating func reconcile(batches: Int? = nil, size: Int = Command.writesLimit) throws {
        let before = store.snapshot
        let draft = reconciler.plan(before, .all, now: now, monotonic: elapsed, identifiers: ids)
        try apply(draft.transaction, batches: batches, size: size)
        watch.check(before, store.snapshot, at: elapsed)
    }

    /// As the dispatcher does it: nothing is known of the nodes until they come.
    mutating func changeLeader() throws {
        reconciler = Reconciler()
        for node in snapshot.all(Node.self) where node.status.state == .ready {
            try change(Node.self, node.id) {
                $0.status = NodeStatus(state: .unknown, message: NodeStatus.leaderChanged, address: $0.status.address)
            }
        }
    }

    /// The agents that can come to the leader do, one by one.
    private mutating func register() throws {
        for node in snapshot.all(Node.self)
        where node.status.isDoubted && machines[node.id]?.isUp == true && random.chance(70) {
            try change(Node.self, node.id) { node in
                node.status.state = .ready
                node.status.message = nil
            }
        }
    }

    /// Every agent takes a step with each of its tasks and reports it.
    mutating func stepAgents() throws {
        elapsed += .milliseconds(700)
        try register()
        let before = store.snapshot
        for node in before.all(Node.self) where machines[node.id]?.isUp == true && node.status.state != .down {
            for task in before.tasks(onNode: node.id) where !task.status.state.isTerminal {
                guard let next = nextState(of: task) else { continue }
                let now = now
                try change(ClusterTask.self, task.id) { task in
                    task.status = TaskStatus(timestamp: now, state: next)
                }
            }
        }
        watch.check(before, store.snapshot, at: elapsed)
    }

    private mutating func nextState(of task: ClusterTask) -> TaskState? {
        if task.desiredState > .running { return random.chance(60) ? .shutdown : nil }
        if task.status.state >= .starting, random.chance(failures) { return .failed }
        guard random.chance(80) else { return nil }
        switch task.status.state {
        case .assigned: return .accepted
        case .accepted: return .preparing
        case .preparing: return .ready
        case .ready: return task.desiredState == .running ? .starting : nil
        case .starting: return .running
        default: return nil
        }
    }

    func running(_ serviceID: String) -> [ClusterTask] {
        snapshot.tasks(ofService: serviceID).filter { $0.status.state == .running && $0.desiredState == .running }
    }

    /// Rounds and steps until nothing changes, or `limit` of them.
    mutating func settle(limit: Int = 400) throws {
        var quiet = 0
        for _ in 0..<limit where quiet < 40 {
            let revision = store.revision
            try reconcile()
            try stepAgents()
            quiet = store.revision == revision ? quiet + 1 : 0
        }
    }
}
