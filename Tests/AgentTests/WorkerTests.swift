import Foundation
import Glibc
import Model
import Platform
import Synchronization
import TestSupport
import Testing

@testable import Agent

/// Sandboxes that are bare network namespaces in a folder.
final class BareNetworking: TaskNetworking {
    private let folder: String
    let applied = Mutex<[UInt64]>([])

    init(folder: String) throws {
        self.folder = folder
        try Files.createDirectories(folder)
    }

    var sandboxes: [String] { ((try? Files.list(folder)) ?? []).sorted() }

    func apply(_ state: NetworkState) async throws { applied.withLock { $0.append(state.revision) } }

    func attach(_ task: ClusterTask) async throws -> ContainerNetwork {
        let path = "\(folder)/\(task.id)"
        let namespace = NetworkNamespace.open(path)
        if !namespace.exists { _ = try NetworkNamespace.create(at: path) }
        return ContainerNetwork(
            namespacePath: path, hosts: "127.0.0.1 localhost\n", resolverConfiguration: "nameserver 127.0.0.11\n")
    }

    func detach(_ taskID: String) async throws {
        let namespace = NetworkNamespace.open("\(folder)/\(taskID)")
        if namespace.exists { try namespace.remove() }
    }

    func sweep(keeping taskIDs: Set<String>) async throws {
        for name in sandboxes where !taskIDs.contains(name) { try await detach(name) }
    }
}

/// A manager's end of an in-memory connection, and what connects to it.
final class FakeManager: DispatcherConnector {
    private struct State {
        var connections: [MemoryConnection] = []
        var received: [AgentMessage] = []
    }

    private let state = Mutex(State())
    private let greeting: @Sendable (AgentMessage) -> [ManagerMessage]

    /// - Parameter greeting: what is answered to each message.
    init(greeting: @escaping @Sendable (AgentMessage) -> [ManagerMessage]) { self.greeting = greeting }

    var received: [AgentMessage] { state.withLock { $0.received } }
    var registrations: [Registration] {
        received.compactMap { message in
            if case .register(let registration) = message { return registration }
            return nil
        }
    }

    func connect(to managers: [ManagerEndpoint]) async throws -> any DispatcherConnection {
        let connection = MemoryConnection { [self] message in
            state.withLock { $0.received.append(message) }
            return greeting(message)
        }
        state.withLock { $0.connections.append(connection) }
        return connection
    }

    func say(_ message: ManagerMessage) { state.withLock { $0.connections.last }?.deliver(message) }

    /// The last status reported of each task.
    var statuses: [String: TaskStatus] {
        var result: [String: TaskStatus] = [:]
        for case .taskStatuses(let updates) in received {
            for update in updates { result[update.taskID] = update.status }
        }
        return result
    }

    final class MemoryConnection: DispatcherConnection {
        private let inbox: AsyncStream<ManagerMessage>
        private let feed: AsyncStream<ManagerMessage>.Continuation
        private let answer: @Sendable (AgentMessage) -> [ManagerMessage]

        init(answer: @escaping @Sendable (AgentMessage) -> [ManagerMessage]) {
            (inbox, feed) = AsyncStream.makeStream()
            self.answer = answer
        }

        func deliver(_ message: ManagerMessage) { feed.yield(message) }
        func send(_ message: AgentMessage) async throws { for reply in answer(message) { feed.yield(reply) } }
        func receive() async throws -> ManagerMessage? {
            var iterator = inbox.makeAsyncIterator()
            return await iterator.next()
        }
        func close() { feed.finish() }
    }
}

func makeTask(
    _ script: String, id: String = Identifier.random(), desired: TaskState = .running, image: String = TestImage.tag
) -> ClusterTask {
    var spec = ContainerSpec(image: image, command: ["/bin/sh", "-c", script])
    spec.stopGracePeriod = 100_000_000
    var task = ClusterTask(
        id: id, createdAt: WallClock.now(), spec: TaskSpec(containerSpec: spec), serviceID: "s1", serviceName: "web",
        slot: 1, nodeID: "n1", desiredState: desired)
    task.status = TaskStatus(timestamp: WallClock.now(), state: .assigned)
    return task
}

@Suite(.enabled(if: canRunContainers), .timeLimit(.minutes(2)))
struct WorkerTests {
    private func openWorker(_ node: TestNode) async throws -> (Worker, BareNetworking) {
        let networking = try BareNetworking(folder: node.folder.path + "/net")
        let worker = try await Worker.open(
            nodeID: "n1", path: node.folder.path + "/data/tasks.db", engine: node.engine, networking: networking,
            loop: node.loop)
        return (worker, networking)
    }

    private func state(_ worker: Worker, _ id: String) async -> TaskState? {
        await worker.tasks().first { $0.id == id }?.status.state
    }

    @Test("assignments become containers in sandboxes, and what goes from the set goes from the node")
    func assignments() async throws {
        let node = try await TestNode.open(try TestFolder())
        let (worker, networking) = try await openWorker(node)
        let long = makeTask("sleep 600")
        let short = makeTask("exit 0")
        let broken = makeTask("exit 0", image: "no/such:image")
        await worker.apply(
            AssignmentSet(sequence: 1, tasks: [long, short, broken], networkState: NetworkState(revision: 5)))
        try await eventually { await state(worker, long.id) == .running }
        try await eventually { await state(worker, short.id) == .complete }
        try await eventually { await state(worker, broken.id) == .rejected }
        #expect(networking.applied.withLock { $0 } == [5])
        try await eventually { networking.sandboxes == [long.id] }
        let statuses = await worker.tasks()
        let reason = statuses.first { $0.id == broken.id }?.status.error
        #expect(reason?.hasPrefix("No such image: no/such:image on this node; load it there: ") == true)
        let record = try await node.engine.find("web.1.\(long.id)")
        #expect(record.specification.labels["com.docker.swarm.service.name"] == "web")
        #expect(statuses.first { $0.id == long.id }?.status.containerStatus?.containerID == record.id)

        var stopping = long
        stopping.desiredState = .shutdown
        await worker.apply(AssignmentChanges(sequence: 2, updatedTasks: [stopping]))
        try await eventually { await state(worker, long.id) == .shutdown }
        try await eventually { networking.sandboxes.isEmpty }
        #expect(await node.engine.list().count == 2)

        await worker.apply(AssignmentSet(sequence: 3, tasks: [], networkState: NetworkState(revision: 6)))
        try await eventually { await worker.tasks().isEmpty }
        #expect(await node.engine.list().isEmpty)
        await node.close()
    }

    @Test("a new worker goes on where the last one was, without managers")
    func restart() async throws {
        let node = try await TestNode.open(try TestFolder())
        let (first, networking) = try await openWorker(node)
        let task = makeTask("sleep 600")
        let waiting = makeTask("sleep 600", desired: .ready)
        await first.apply(
            AssignmentSet(sequence: 1, tasks: [task, waiting], networkState: NetworkState(revision: 9)))
        try await eventually { await state(first, task.id) == .running }
        try await eventually { await state(first, waiting.id) == .ready }
        let pid = try await node.engine.record(Worker.containerID(task.id)).process

        let (second, again) = try await openWorker(node)
        #expect(again.applied.withLock { $0 } == [9])
        #expect(await state(second, task.id) == .running)
        #expect(await state(second, waiting.id) == .ready)
        #expect(try await node.engine.record(Worker.containerID(task.id)).process == pid)
        #expect(networking.sandboxes == [task.id, waiting.id].sorted())
        try await node.engine.kill(Worker.containerID(task.id), signal: SIGKILL)
        try await eventually { await state(second, task.id) == .failed }
        await second.stopAll()
        try await eventually { await second.tasks().isEmpty }
        await node.close()
    }

    @Test(
        "tasks get their secrets from memory; a daemon that starts again waits for a manager, and stops nothing meanwhile"
    )
    func secrets() async throws {
        let value = "hunter2-\(Identifier.random())"
        let node = try await TestNode.open(try TestFolder())
        let (first, _) = try await openWorker(node)
        let using = { (script: String, desired: TaskState) in
            var task = makeTask(script, desired: desired)
            task.spec.containerSpec?.secrets = [
                FileReference(secretID: "s1", secretName: "db", file: .init(name: "db"))
            ]
            return task
        }
        let (running, waiting) = (using("sleep 600", .running), using("cat /run/secrets/db; sleep 600", .ready))
        let files = [AssignedFile(id: "s1", content: Base64Bytes(Array(value.utf8)))]
        await first.take(files)
        await first.apply(
            AssignmentSet(
                sequence: 1, tasks: [running, waiting], networkState: NetworkState(revision: 9), files: ["s1"]))
        try await eventually { await state(first, running.id) == .running }
        try await eventually { await state(first, waiting.id) == .ready }
        for folder in ["/data/tasks.db", "/data/containers.db", "/data/tasks.db-wal", "/data/containers.db-wal"] {
            let bytes = (try? Files.read(node.folder.path + folder)) ?? []
            #expect(!String(decoding: bytes, as: UTF8.self).contains(value))
        }

        let (second, _) = try await openWorker(node)
        #expect(await state(second, running.id) == .running)
        var wanted = waiting
        wanted.desiredState = .running
        await second.apply(AssignmentChanges(sequence: 2, updatedTasks: [wanted]))
        try await eventually {
            await second.tasks().first { $0.id == waiting.id }?.status.message?.hasPrefix("waiting for a manager")
                == true
        }
        await second.take(files)
        await second.apply(
            AssignmentSet(
                sequence: 1, tasks: [running, wanted], networkState: NetworkState(revision: 9), files: ["s1"]))
        try await eventually { await state(second, waiting.id) == .running }
        try await eventually { try await node.output(Worker.containerID(waiting.id)) == ["stdout: " + value] }
        #expect(await state(second, running.id) == .running)

        // One that the cluster does not have ends the task that wants it, with the reason.
        var lost = using("sleep 600", .running)
        lost.spec.containerSpec?.secrets?[0].secretID = "nowhere"
        await second.apply(AssignmentChanges(sequence: 2, updatedTasks: [lost]))
        try await eventually { await state(second, lost.id) == .rejected }
        #expect(await second.tasks().first { $0.id == lost.id }?.status.error == "secret not found: db")
        await second.stopAll()
        try await eventually { await second.tasks().isEmpty }
        #expect(try Files.list(node.folder.path + "/run/files").isEmpty)
        await node.close()
    }

    @Test("a session registers, reports, and starts afresh after a gap and a lost manager")
    func session() async throws {
        let node = try await TestNode.open(try TestFolder())
        let (worker, _) = try await openWorker(node)
        let task = makeTask("echo one; echo two >&2; sleep 600")
        let period: Int64 = 100_000_000
        let manager = FakeManager { message in
            switch message {
            case .register:
                [
                    .registered(Session(id: "x", heartbeatPeriodNanoseconds: period, managers: [])),
                    .assignments(AssignmentSet(sequence: 1, tasks: [task], networkState: NetworkState(revision: 1))),
                ]
            // A manager that leaves heartbeats without an answer is given up, and registers the node once more.
            case .heartbeat: [.heartbeat(periodNanoseconds: period)]
            default: []
            }
        }
        let description = NodeDescription(
            hostname: "h", platform: .init(architecture: "x86_64", os: "linux"), resources: Resources(),
            engine: EngineDescription(engineVersion: "1"))
        let told = Mutex<[[ManagerEndpoint]]>([])
        let session = DispatcherSession(
            worker: worker, connector: manager, onManagers: { managers in told.withLock { $0.append(managers) } },
            registration: { Registration(description: description, dataPathAddress: "10.0.0.1", statuses: []) })
        let running = Task { await session.run() }
        try await eventually { manager.statuses[task.id]?.state == .running }
        try await eventually {
            manager.received.contains { if case .heartbeat("x", .some) = $0 { true } else { false } }
        }

        manager.say(
            .logSubscribe(LogSubscription(id: "l1", taskIDs: [task.id], options: LogOptions(follow: true))))
        try await eventually {
            manager.received.flatMap { message -> [LogEntry] in
                if case .logEntries("l1", let entries) = message { return entries }
                return []
            }.map { String(decoding: $0.bytes, as: UTF8.self) }.sorted() == ["one\n", "two\n"]
        }

        let (one, two) = (
            ManagerEndpoint(nodeID: "m1", address: "10.0.0.1:2377"),
            ManagerEndpoint(nodeID: "m2", address: "10.0.0.2:2377")
        )
        // Another order is another leader, not other managers.
        for managers in [[one, two], [two, one], [], [two]] { manager.say(.managers(managers)) }
        try await eventually { told.withLock { $0 } == [[one, two], [two]] }

        manager.say(.assignmentChanges(AssignmentChanges(sequence: 9)))
        try await eventually { manager.registrations.count == 2 }
        // It beats once more when it is registered again: that it was connected before says nothing.
        func beats() -> Int { manager.received.filter { if case .heartbeat = $0 { true } else { false } }.count }
        let before = beats()
        try await eventually { beats() > before }
        #expect(manager.registrations.last?.statuses.first?.status.state == .running)

        manager.say(.assignmentChanges(AssignmentChanges(sequence: 2, removedTasks: [task.id])))
        try await eventually { await worker.tasks().isEmpty }
        running.cancel()
        await running.value
        await node.close()
    }

    /// A manager that lost the others knows no leader, and is the first in its own list.
    @Test("a node that is sent from one manager back to the same asks the others")
    func redirects() async throws {
        let node = try await TestNode.open(try TestFolder())
        let (worker, _) = try await openWorker(node)
        let all = (1...3).map { ManagerEndpoint(nodeID: "m\($0)", address: "10.0.0.\($0):2377") }
        let asked = AskedManagers()
        let manager = FakeManager { message in
            if case .register = message { [.redirect(all)] } else { [] }
        }
        let description = NodeDescription(
            hostname: "h", platform: .init(architecture: "x86_64", os: "linux"), resources: Resources(),
            engine: EngineDescription(engineVersion: "1"))
        let session = DispatcherSession(
            worker: worker, connector: Connector(manager: manager, asked: asked), managers: all,
            registration: { Registration(description: description, dataPathAddress: "10.0.0.1", statuses: []) })
        let running = Task { await session.run() }
        try await eventually { Set(asked.first.withLock { $0 }) == ["m1", "m2", "m3"] }
        running.cancel()
        await running.value
        await node.close()
    }

    private final class AskedManagers: Sendable {
        let first = Mutex<[String]>([])
    }

    private struct Connector: DispatcherConnector {
        let manager: FakeManager
        let asked: AskedManagers

        func connect(to managers: [ManagerEndpoint]) async throws -> any DispatcherConnection {
            asked.first.withLock { $0.append(managers.first?.nodeID ?? "") }
            return try await manager.connect(to: managers)
        }
    }
}
