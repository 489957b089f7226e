import HTTP
import Model
import Platform
import Synchronization
import TestSupport

@testable import clusterctl

/// The Engine API's shapes over a real socket, with a cluster of two nodes whose tasks run as soon as they are made:
/// what `clusterctl` says is checked against it, not the cluster.
final class StandInDaemon: Sendable {
    struct State {
        var services: [String: Service] = [:]
        var tasks: [ClusterTask] = []
        var nodes: [Node] = []
        var networks: [Network] = []
        var secrets: [Secret] = []
        var revision: UInt64 = 10
        /// Bytes that `images/load` took.
        var loaded = 0
        /// Updates to refuse as out of sequence before one is let through.
        var staleAnswers = 0
        var isManager = true
        /// Nodes become at once what they are wished to be.
        var changesRoles = true
        /// Answers of `/swarm` from now on that say that the root is still being changed.
        var rotationAnswers = 0
        /// The last body of `/swarm/update`.
        var swarmUpdate: JSONValue?
        var requests: [String] = []
    }

    let state = Mutex(State())
    let address: SocketAddress
    private let server: HTTPServer
    private let directory: TemporaryDirectory

    init() throws {
        let directory = try TemporaryDirectory("ctl")
        let path = directory.file("d.sock")
        self.directory = directory
        address = .unix(path)
        let loop = try EventLoop(name: "stand-in")
        let router = Mutex<Router?>(nil)
        server = HTTPServer(loop: loop) { request in
            guard let router = router.withLock({ $0 }) else { throw HTTPError(.serviceUnavailable, "starting") }
            return try await router.respond(to: request)
        }
        let made = routes()
        router.withLock { $0 = made }
        try server.listen(on: address)
        state.withLock { state in
            state.nodes = [
                Self.node("node1aaaaaaaaaaaaaaaaaaaaa", "host1", leader: true),
                Self.node("node2aaaaaaaaaaaaaaaaaaaaa", "host2"),
            ]
        }
    }

    /// Runs one command line against this daemon.
    func run(_ words: String...) async -> (status: Int32, output: String, error: String) {
        let recording = RecordingConsole()
        let status = await Clusterctl.run(
            words, environment: ["CLUSTER_HOST": "\(address)"], console: recording.console)
        return (status, recording.output, recording.error)
    }

    private static func node(_ id: String, _ name: String, leader: Bool = false) -> Node {
        Node(
            id: id, createdAt: Timestamp(seconds: 1_700_000_000), spec: NodeSpec(role: leader ? .manager : .worker),
            description: NodeDescription(
                hostname: name, platform: .init(architecture: "x86_64", os: "linux"),
                resources: Resources(nanoCPUs: 2_000_000_000, memoryBytes: 4 << 30),
                engine: EngineDescription(engineVersion: "0.1.0")),
            status: NodeStatus(state: .ready, address: "10.0.0.\(leader ? 1 : 2)"),
            managerStatus: leader
                ? ManagerStatus(leader: true, reachability: .reachable, address: "10.0.0.1:2377") : nil)
    }

    private func info() -> SystemInfo {
        var swarm = SystemInfo.Swarm()
        let isManager = state.withLock { $0.isManager }
        swarm.nodeID = "node1aaaaaaaaaaaaaaaaaaaaa"
        swarm.nodeAddress = "10.0.0.1"
        swarm.localNodeState = .active
        swarm.controlAvailable = isManager
        swarm.remoteManagers = [.init(nodeID: "node1aaaaaaaaaaaaaaaaaaaaa", address: "10.0.0.1:2377")]
        return SystemInfo(
            id: "engine", name: "host1", containers: 1, containersRunning: 1, containersStopped: 0, images: 1,
            systemTime: Timestamp(seconds: 1_700_000_000), cgroupVersion: "1", kernelVersion: "6.1",
            operatingSystem: "Debian",
            osVersion: "12", architecture: "x86_64", ncpu: 2, memTotal: 4 << 30, rootDirectory: "/var/lib/clusterd",
            serverVersion: "0.1.0", runtime: "runc", runtimePath: "/usr/sbin/runc", swarm: swarm)
    }

    private func service(_ name: String) throws -> Service {
        let known = state.withLock { $0.services.values.first { $0.id == name || $0.name == name } }
        guard let known else { throw HTTPError(.notFound, "service \(name) not found") }
        return known
    }

    private func write(_ service: Service, _ spec: ServiceSpec) {
        state.withLock { state in
            var service = service
            state.revision += 1
            service.version = ObjectVersion(index: state.revision)
            if service.spec != spec { service.previousSpec = service.spec }
            service.spec = spec
            let count = spec.mode?.replicated?.replicas ?? UInt64(state.nodes.count)
            service.serviceStatus = ServiceStatus(runningTasks: count, desiredTasks: count, completedTasks: 0)
            state.services[service.id] = service
            state.tasks.removeAll { $0.serviceID == service.id }
            for slot in 0..<Int(clamping: count) {
                var task = ClusterTask(
                    id: "task\(slot)\(service.name ?? "")aaaaaaaaaaaaaaa", createdAt: WallClock.now(),
                    spec: spec.taskTemplate,
                    serviceID: service.id, serviceName: service.name ?? "",
                    slot: spec.mode?.global == nil ? slot + 1 : nil,
                    nodeID: state.nodes[slot % state.nodes.count].id)
                let isBroken = spec.taskTemplate.containerSpec?.image == "broken:1"
                task.status = TaskStatus(
                    timestamp: WallClock.now(), state: isBroken ? .pending : .running,
                    message: isBroken ? "no suitable node (2 nodes: no such image)" : "started")
                state.tasks.append(task)
            }
        }
    }

    private func routes() -> Router {
        var router = Router(prefixes: ["/v{version}"])
        router.get("/info") { [unowned self] _ in try .json(info()) }
        router.get("/version") { _ in
            try .json(EngineVersion(version: "0.1.0", gitCommit: "", architecture: "amd64", kernelVersion: "6.1"))
        }
        router.get("/nodes") { [unowned self] _ in
            guard state.withLock({ $0.isManager }) else {
                throw HTTPError(.serviceUnavailable, "This node is not a swarm manager. Worker nodes can't be used.")
            }
            return try .json(state.withLock { $0.nodes })
        }
        router.get("/nodes/{id}") { [unowned self] request in
            let name = try request.capture("id")
            let node = state.withLock { $0.nodes.first { $0.id == name || $0.displayName == name } }
            guard let node else { throw HTTPError(.notFound, "node \(name) not found") }
            return try .json(node)
        }
        router.post("/nodes/{id}/update") { [unowned self] request in
            let spec = try await request.decode(NodeSpec.self)
            let id = try request.capture("id")
            let isStale = state.withLock { state in
                if state.staleAnswers > 0 {
                    state.staleAnswers -= 1
                    return true
                }
                for index in state.nodes.indices where state.nodes[index].id == id {
                    state.nodes[index].spec = spec
                    if state.changesRoles { state.nodes[index].follow() }
                }
                return false
            }
            if isStale { throw HTTPError(.internalServerError, "rpc error: update out of sequence") }
            return HTTPResponse(.ok)
        }
        router.post("/swarm/transfer") { [unowned self] request in
            let id = request.query["node"]
            state.withLock { state in
                for index in state.nodes.indices {
                    let isNext = state.nodes[index].id == id
                    state.nodes[index].managerStatus?.leader = isNext ? true : nil
                }
            }
            return HTTPResponse(.accepted)
        }
        addServices(&router)
        addSecrets(&router)
        addImages(&router)
        router.get("/networks") { [unowned self] _ in try .json(state.withLock { $0.networks }) }
        router.post("/networks/create") { [unowned self] request in
            let body = try await request.decode(JSONValue.self)
            state.withLock { state in
                state.networks.append(
                    Network(
                        id: "net1", createdAt: Timestamp(seconds: 1), name: body["Name"]?.text ?? "",
                        ipam: IPAMConfiguration(config: [.init(subnet: "10.0.1.0/24")])))
            }
            return try .json(JSONValue.object(["Id": .string("net1"), "Warning": .string("")]), status: .created)
        }
        router.get("/swarm") { [unowned self] _ in
            let left = state.withLock { state in
                defer { state.rotationAnswers = max(0, state.rotationAnswers - 1) }
                return state.rotationAnswers
            }
            let rotation = JSONValue.object([
                "Phase": .string("issuing"), "Waiting": .array([.string("node2aaaaaaaaaaaaaaaaaaaaa")]),
            ])
            return try .json(
                JSONValue.object([
                    "Version": .object(["Index": .integer(7)]),
                    "Spec": .object(["Name": .string("default"), "CAConfig": .object(["ForceRotate": .integer(3)])]),
                    "JoinTokens": .object(["Worker": .string("SWMTKN-1-a-w"), "Manager": .string("SWMTKN-1-a-m")]),
                    "TLSInfo": .object(["TrustRoot": .string("-----BEGIN CERTIFICATE-----\n")]),
                    "RootRotation": left > 0 ? rotation : .null,
                ]))
        }
        router.post("/swarm/update") { [unowned self] request in
            let body = try await request.decode(JSONValue.self)
            state.withLock { state in
                state.swarmUpdate = body
                if body["CAConfig"]?["ForceRotate"] == .integer(4) { state.rotationAnswers = 2 }
            }
            return HTTPResponse(.ok)
        }
        router.post("/swarm/init") { _ in try .json("node1aaaaaaaaaaaaaaaaaaaaa") }
        router.post("/swarm/join") { _ in HTTPResponse(.ok) }
        return router
    }

    private func addServices(_ router: inout Router) {
        router.get("/services") { [unowned self] _ in try .json(state.withLock { Array($0.services.values) }) }
        router.get("/services/{id}") { [unowned self] request in try .json(service(try request.capture("id"))) }
        router.post("/services/create") { [unowned self] request in
            let spec = try await request.decode(ServiceSpec.self)
            let id = "service\(spec.name ?? "")aaaaaaaaaaaaaaaa"
            write(Service(id: id, createdAt: WallClock.now(), spec: spec), spec)
            return try .json(JSONValue.object(["ID": .string(id)]), status: .created)
        }
        router.post("/services/{id}/update") { [unowned self] request in
            let known = try service(try request.capture("id"))
            guard request.query["version"] == "\(known.version.index)" else {
                throw HTTPError(.internalServerError, "update out of sequence")
            }
            let spec = try await request.decode(ServiceSpec.self)
            write(known, request.query["rollback"] == "previous" ? known.previousSpec ?? spec : spec)
            return try .json(JSONValue.object(["Warnings": .null]))
        }
        router.delete("/services/{id}") { [unowned self] request in
            let known = try service(try request.capture("id"))
            state.withLock { $0.services[known.id] = nil }
            return HTTPResponse(.ok)
        }
        router.get("/tasks") { [unowned self] request in
            let filters = request.query["filters"] ?? ""
            return try .json(state.withLock { $0.tasks.filter { filters.contains($0.serviceID) || filters.isEmpty } })
        }
        router.get("/services/{id}/logs") { [unowned self] request in
            let id = try service(try request.capture("id")).id
            let task = state.withLock { $0.tasks.first { $0.serviceID == id }?.id ?? "" }
            return HTTPResponse(
                .ok, headers: ["Content-Type": "application/vnd.docker.multiplexed-stream"],
                body: .stream { writer in
                    let line = Array("com.docker.swarm.task.id=\(task) hello from the service\n".utf8)
                    try await writer.write([1, 0, 0, 0, 0, 0, 0, UInt8(line.count)])
                    try await writer.write(line)
                })
        }
    }

    private func addSecrets(_ router: inout Router) {
        router.get("/configs") { _ in try .json([Config]()) }
        router.get("/secrets") { [unowned self] _ in try .json(state.withLock { $0.secrets.map(\.shown) }) }
        router.get("/secrets/{id}") { [unowned self] request in
            let id = try request.capture("id")
            return try .json(state.withLock { $0.secrets.first { $0.id == id }?.shown })
        }
        router.post("/secrets/create") { [unowned self] request in
            let spec = try await request.decode(FileSpec.self)
            let id = state.withLock { state in
                let id = "secret\(state.secrets.count + 1)aaaaaaaaaaaa"
                state.secrets.append(Secret(id: id, createdAt: WallClock.now(), spec: spec))
                return id
            }
            return try .json(JSONValue.object(["ID": .string(id)]), status: .created)
        }
        router.post("/secrets/{id}/update") { [unowned self] request in
            let (id, spec) = (try request.capture("id"), try await request.decode(FileSpec.self))
            state.withLock { state in
                for index in state.secrets.indices where state.secrets[index].id == id {
                    state.secrets[index].spec.labels = spec.labels
                }
            }
            return HTTPResponse(.ok)
        }
        router.delete("/secrets/{id}") { [unowned self] request in
            let id = try request.capture("id")
            state.withLock { state in state.secrets.removeAll { $0.id == id || $0.spec.name == id } }
            return HTTPResponse(.noContent)
        }
    }

    private func addImages(_ router: inout Router) {
        router.post("/images/load") { [unowned self] request in
            var count = 0
            for try await piece in request.body { count += piece.count }
            state.withLock { $0.loaded = count }
            return HTTPResponse(.ok, body: HTTPBody("{\"stream\":\"Loaded image: demo:1\\n\"}\n"))
        }
        router.get("/images/json") { _ in
            HTTPResponse(
                .ok,
                body: HTTPBody(
                    #"[{"Id":"sha256:0123456789abcdef","RepoTags":["demo:1","host:5000/demo:2"],"Created":1,"Size":4200000}]"#
                ))
        }
        router.post("/images/{name...}/tag") { request in
            guard request.captures["name"] == "team/demo:1", request.query["repo"] == "host:5000/x",
                request.query["tag"] == "2"
            else { throw HTTPError(.badRequest, "unexpected \(request.target)") }
            return HTTPResponse(.created)
        }
    }
}

extension Node {
    fileprivate mutating func follow() {
        let isManager = managerStatus != nil
        guard isManager != (spec.role == .manager) else { return }
        managerStatus =
            isManager ? nil : ManagerStatus(reachability: .reachable, address: "\(status.address ?? ""):2377")
        role = spec.role
    }
}
