import Model
import Platform
import Store
import Synchronization

@testable import Manager

let start = Timestamp(seconds: 1_800_000_000)

/// Applies proposals at once, as a cluster of one member would; fails as often as it is told to.
actor LocalProposer: Proposer {
    struct NoQuorum: Error {}

    let store: Store
    private var index: UInt64
    private var failures = 0
    private(set) var proposals = 0

    init(_ store: Store) {
        self.store = store
        self.index = store.applied.index
    }

    func fail(times: Int) { failures = times }

    func propose(_ command: [UInt8]) async throws -> [UInt8] {
        proposals += 1
        if failures > 0 {
            failures -= 1
            throw NoQuorum()
        }
        index += 1
        return try store.apply(index: index, term: 1, command: command)
    }
}

/// A clock that stands still until it is moved.
final class TestClock: Sendable {
    private let elapsed = Mutex(Duration.zero)

    func advance(by duration: Duration) { elapsed.withLock { $0 += duration } }

    var clock: ControlClock {
        ControlClock(wall: { start + self.elapsed.withLock { $0 } }, monotonic: { self.elapsed.withLock { $0 } })
    }
}

/// Managers as a test says they are.
final class TestMembers: MemberGroup, ClusterOperations {
    private struct State {
        var statuses: [String: ManagerStatus] = [:]
        var removed: [String] = []
        var added: [String] = []
        var leaders: [String] = []
        var level = 1
        var knowsLeader = true
        var entries: [LogEntry] = []
        var asked: [(LogSubject, LogOptions)] = []
        var verdicts: [@Sendable (Snapshot) -> Bool] = []
    }

    private let state = Mutex(State())

    func set(_ statuses: [String: ManagerStatus]) { state.withLock { $0.statuses = statuses } }
    func set(_ entries: [LogEntry]) { state.withLock { $0.entries = entries } }
    func set(knowsLeader: Bool) { state.withLock { $0.knowsLeader = knowsLeader } }
    func set(level: Int) { state.withLock { $0.level = level } }
    var removed: [String] { state.withLock { $0.removed } }
    var added: [String] { state.withLock { $0.added } }
    var leaders: [String] { state.withLock { $0.leaders } }
    var asked: [(LogSubject, LogOptions)] { state.withLock { $0.asked } }
    /// Of each reader whether it may go on.
    var verdicts: [@Sendable (Snapshot) -> Bool] { state.withLock { $0.verdicts } }

    func managerStatuses() async -> [String: ManagerStatus] { state.withLock { $0.statuses } }
    func managers() async -> [ManagerEndpoint] { [ManagerEndpoint(nodeID: "m1", address: "192.0.2.9:2377")] }
    var knowsLeader: Bool { state.withLock { $0.knowsLeader } }
    func commandLevel() async -> Int { state.withLock { $0.level } }
    var consensus: ConsensusSettings {
        ConsensusSettings(
            snapshotInterval: 50_000, keepOldSnapshots: 0, logEntriesForSlowFollowers: 2_000, electionTick: 5,
            heartbeatTick: 1)
    }

    /// Those that statuses were set for; a place is the position of the id among them.
    func members() async -> [GroupMember] {
        state.withLock { state in
            state.statuses.sorted { $0.key < $1.key }.enumerated().map { place, status in
                GroupMember(
                    place: UInt64(place), nodeID: status.key, address: status.value.address,
                    isReachable: status.value.reachability == .reachable, isLeader: status.value.leader == true)
            }
        }
    }

    func addMember(nodeID: String, incarnation: UInt32, address: String) async throws {
        state.withLock { $0.added.append("\(nodeID)#\(incarnation)@\(address)") }
    }

    func removeMember(place: UInt64) async throws {
        state.withLock { $0.removed.append($0.statuses.keys.sorted()[Int(place)]) }
    }

    func transferLeadership(to nodeID: String?) async throws { state.withLock { $0.leaders.append(nodeID ?? "any") } }

    func logs(
        of subject: LogSubject, _ options: LogOptions, while mayGoOn: @escaping @Sendable (Snapshot) -> Bool
    ) -> AsyncThrowingStream<LogEntry, any Error> {
        let entries = state.withLock { state in
            state.asked.append((subject, options))
            state.verdicts.append(mayGoOn)
            return state.entries
        }
        return AsyncThrowingStream { continuation in
            for entry in entries { continuation.yield(entry) }
            continuation.finish()
        }
    }
}

/// A state with what a founded cluster has, and a way to write to it.
struct TestCluster: Sendable {
    let store = Store()
    let proposer: LocalProposer
    let members = TestMembers()
    let time = TestClock()

    init() async throws {
        proposer = LocalProposer(store)
        try await write { tx in
            try tx.put(
                Cluster(
                    id: "cluster", createdAt: start,
                    spec: ClusterSpec(name: "default", dispatcher: .init(heartbeatPeriod: 500_000_000)),
                    dataPathPort: 4789, defaultAddressPool: ["10.0.0.0/8"], subnetSize: 24))
            var ingress = Network(
                id: "ingressnet", createdAt: start, name: "ingress",
                ipam: .init(config: [.init(subnet: "10.255.0.0/16", gateway: "10.255.0.1")]), ingress: true)
            ingress.vni = 4097
            try tx.put(ingress)
        }
    }

    var snapshot: Snapshot { store.snapshot }

    func write(_ body: (inout Transaction) throws -> Void) async throws {
        try await store.update(through: proposer, at: time.clock.wall(), body)
    }

    func change<Object: ClusterObject>(_ type: Object.Type, _ id: String, _ body: (inout Object) -> Void) async throws {
        try await write { tx in
            guard var object = tx.get(type, id) else { return }
            body(&object)
            try tx.put(object)
        }
    }

    func addNode(_ id: String, address: String = "192.0.2.1", state: NodeState = .ready) async throws {
        try await write { try $0.put(Self.node(id, address: address, state: state)) }
    }

    func addNetwork(_ id: String, subnet: String, vni: UInt32) async throws {
        try await write { tx in
            var network = Network(id: id, createdAt: start, name: id)
            network.vni = vni
            network.ipam.config = [.init(subnet: subnet, gateway: subnet.replacing(".0/24", with: ".1"))]
            try tx.put(network)
        }
    }

    func addService(_ id: String, replicas: UInt64 = 1, networks: [String] = []) async throws {
        let spec = ServiceSpec(
            name: id,
            taskTemplate: TaskSpec(
                containerSpec: ContainerSpec(image: "bb:1"), networks: networks.map { .init(target: $0) }),
            mode: .replicated(replicas))
        try await write { try $0.put(Service(id: id, createdAt: start, spec: spec)) }
    }

    /// - Parameter addresses: by network.
    func addTask(
        _ id: String, service: String = "web", node: String?, state: TaskState = .running,
        desired: TaskState = .running, addresses: [String: String] = [:]
    ) async throws {
        var task = ClusterTask(
            id: id, createdAt: start, spec: TaskSpec(containerSpec: ContainerSpec(image: "bb:1")), serviceID: service,
            serviceName: service, slot: 1, nodeID: node, desiredState: desired)
        task.status.state = state
        if !addresses.isEmpty {
            task.networksAttachments = addresses.keys.sorted().map { network in
                NetworkAttachment(network: .init(id: network, name: network), addresses: [addresses[network] ?? ""])
            }
        }
        let made = task
        try await write { try $0.put(made) }
    }

    func addSecret(_ id: String, _ data: String) async throws {
        try await write {
            try $0.put(Secret(id: id, createdAt: start, spec: FileSpec(name: id, data: Array(data.utf8))))
        }
    }

    func addConfig(_ id: String, _ data: String) async throws {
        try await write {
            try $0.put(Config(id: id, createdAt: start, spec: FileSpec(name: id, data: Array(data.utf8))))
        }
    }

    /// Has a task use secrets and configs.
    func use(secrets: [String] = [], configs: [String] = [], in task: String) async throws {
        try await change(ClusterTask.self, task) { task in
            task.spec.containerSpec?.secrets = secrets.map {
                FileReference(secretID: $0, secretName: $0, file: .init(name: $0))
            }
            task.spec.containerSpec?.configs = configs.map {
                FileReference(configID: $0, configName: $0, file: .init(name: $0))
            }
        }
    }

    func state(of task: String) -> TaskState? { snapshot.get(ClusterTask.self, task)?.status.state }

    static func node(_ id: String, address: String = "192.0.2.1", state: NodeState = .ready) -> Node {
        Node(
            id: id, createdAt: start, spec: NodeSpec(role: .worker), description: description(id),
            status: NodeStatus(state: state, address: address), dataPathAddress: address)
    }

    static func description(_ hostname: String) -> NodeDescription {
        NodeDescription(
            hostname: hostname, platform: .init(architecture: "x86_64", os: "linux"),
            resources: Resources(nanoCPUs: 4_000_000_000, memoryBytes: 8 << 30),
            engine: EngineDescription(engineVersion: "1"))
    }
}
