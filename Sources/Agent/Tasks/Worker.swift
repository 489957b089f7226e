import Glibc
public import Model
public import Platform

/// Brings the node's tasks to where the managers want them, by what they last said: it needs no manager to go on.
/// It restarts nothing: a task that has ended is the managers' to replace.
public actor Worker {
    /// Tasks whose sandbox and container are being made at the same time.
    private static let preparationsAtOnce = 8
    /// Before what could not be removed is removed again.
    private static let rest = Duration.seconds(5)

    private nonisolated let loop: EventLoop
    nonisolated let nodeID: String
    nonisolated let engine: ContainerEngine
    private let networking: any TaskNetworking
    private let store: TaskStore
    private let log = Logger("agent.worker")
    var machines: [String: TaskStateMachine] = [:]
    private var files = HeldFiles()
    /// Statuses that no manager was told yet.
    private var unreported: [String: TaskStatus] = [:]
    /// Woken when there are some.
    private var listener: Signal?
    private let preparations = Gate(width: preparationsAtOnce)

    public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    /// Opens what was persisted and takes up where an earlier daemon left off.
    public static func open(
        nodeID: String, path: String, engine: ContainerEngine, networking: any TaskNetworking, loop: EventLoop
    ) async throws -> Worker {
        let worker = try await Worker(nodeID: nodeID, path: path, engine: engine, networking: networking, loop: loop)
        try await worker.restore()
        return worker
    }

    private init(
        nodeID: String, path: String, engine: ContainerEngine, networking: any TaskNetworking, loop: EventLoop
    ) async throws {
        self.nodeID = nodeID
        self.engine = engine
        self.networking = networking
        self.loop = loop
        store = try TaskStore(path: path)
    }

    /// A task's container is named after it, so that nothing needs to remember which it is.
    public static func containerID(_ taskID: String) -> String { Digest.hex(Digest.sha256(Array(taskID.utf8))) }

    private func restore() async throws {
        let known = try store.all()
        // The kernel first: what runs must be reachable before anything else happens to it.
        if let state = try store.networkState() { await apply(state) }
        var containers: [String: ContainerRecord] = [:]
        for record in await engine.list() { containers[record.id] = record }
        for (task, status) in known {
            let id = Self.containerID(task.id)
            let container = containers[id]
            machines[task.id] = TaskStateMachine(
                restoring: task, status: status, container: container, containerID: id, supply: files.supply(of: task))
            guard machines[task.id]?.holdsSandbox == true else { continue }
            do {
                // The sandbox is there; what is not remembered of it is found again. After a reboot it is made anew.
                _ = try await networking.attach(task)
            } catch {
                log.error("a task's sandbox", ["task": task.id, "error": String(describing: error)])
            }
            if container?.state == .running { watch(task.id) }
        }
        let held = Set(machines.values.filter { $0.holdsSandbox }.map(\.task.id))
        do {
            try await networking.sweep(keeping: held)
        } catch {
            log.error("sandboxes could not be swept", ["error": String(describing: error)])
        }
        for (taskID, container) in known.map({ ($0.task.id, containers[Self.containerID($0.task.id)]) }) {
            let actions = machines[taskID]?.resume(container: container) ?? []
            run(actions, of: taskID)
        }
        // A container of a task that is forgotten belongs to nobody.
        let wanted = Set(machines.keys.map(Self.containerID))
        for (id, record) in containers where !wanted.contains(id) {
            guard record.specification.labels[TaskLabels.taskID] != nil else { continue }
            removeStray(id)
        }
    }

    // MARK: What the managers say

    /// Secrets and configs of the tasks that are said next.
    public func take(_ files: [AssignedFile]) { self.files.take(files) }

    /// Everything the node should have: what is not in it goes.
    public func apply(_ set: AssignmentSet) async {
        await apply(set.networkState)
        files.keep(set.files ?? [])
        resupply()
        let assigned = Set(set.tasks.map(\.id))
        for task in set.tasks { assign(task) }
        for taskID in machines.keys.sorted() where !assigned.contains(taskID) { handle(.unassign, of: taskID) }
    }

    /// What is different from the last set or changes.
    public func apply(_ changes: AssignmentChanges) async {
        if let state = changes.networkState { await apply(state) }
        files.drop(changes.removedFiles ?? [])
        resupply()
        for task in changes.updatedTasks { assign(task) }
        for taskID in changes.removedTasks { handle(.unassign, of: taskID) }
    }

    /// The node was removed from the cluster: nothing of it goes on.
    public func stopAll() {
        for taskID in machines.keys.sorted() { handle(.unassign, of: taskID) }
    }

    private func apply(_ state: NetworkState) async {
        do {
            try store.save(state)
            try await networking.apply(state)
        } catch {
            log.error("the network state could not be applied", ["error": String(describing: error)])
        }
    }

    private func resupply() {
        for (id, machine) in machines.sorted(by: { $0.key < $1.key }) {
            let supply = files.supply(of: machine.task)
            if supply != machine.supply { handle(.supplied(supply), of: id) }
        }
    }

    private func assign(_ task: ClusterTask) {
        if machines[task.id] == nil {
            // One that ended before this node heard of it, or that was forgotten: nothing to do for it any more.
            if task.status.state.isTerminal || task.desiredState > .shutdown { return }
            machines[task.id] = TaskStateMachine(
                task, containerID: Self.containerID(task.id), supply: files.supply(of: task))
        }
        handle(.assign(task), of: task.id)
        persist(task.id)
    }

    // MARK: What is reported

    /// The status of every task, for a manager that may know nothing.
    public func statuses() -> [TaskStatusUpdate] {
        machines.values.sorted { $0.task.id < $1.task.id }
            .map { TaskStatusUpdate(taskID: $0.task.id, status: $0.status) }
    }

    /// Wakes this one from now on when a status has changed.
    func report(to listener: Signal) { self.listener = listener }

    /// Statuses that changed since they were last taken, at most so many.
    func takeChangedStatuses(atMost limit: Int) -> [TaskStatusUpdate] {
        let taken = unreported.keys.sorted().prefix(limit)
        return taken.compactMap { id in
            unreported.removeValue(forKey: id).map { TaskStatusUpdate(taskID: id, status: $0) }
        }
    }

    /// Gives back statuses that could not be sent; newer ones stand.
    func putBack(_ statuses: [TaskStatusUpdate]) {
        for update in statuses where unreported[update.taskID] == nil { unreported[update.taskID] = update.status }
    }

    /// The tasks as they are here.
    public func tasks() -> [ClusterTask] {
        machines.values.map { machine in
            var task = machine.task
            task.status = machine.status
            return task
        }.sorted { $0.id < $1.id }
    }

    // MARK: Doing

    private func handle(_ event: TaskStateMachine.Event, of taskID: String) {
        let actions = machines[taskID]?.handle(event) ?? []
        run(actions, of: taskID)
    }

    private func run(_ actions: [TaskStateMachine.Action], of taskID: String) {
        guard let machine = machines[taskID] else { return }
        let task = machine.task
        for action in actions {
            switch action {
            case .report:
                unreported[taskID] = machine.status
                listener?.wake()
                persist(taskID)
                log.debug("task", ["task": taskID, "state": machine.status.state.rawValue])
            case .prepare: begin(taskID) { worker in try await worker.prepare(task) }
            case .start: begin(taskID) { worker in try await worker.start(task) }
            case .stop: begin(taskID) { worker in try await worker.stop(task) }
            case .release: begin(taskID) { worker in try await worker.release(task) }
            case .remove: begin(taskID) { worker in try await worker.remove(task) }
            case .rest: rest(taskID)
            case .forget: forget(taskID)
            }
        }
    }

    /// Runs one piece of work; its answer is the machine's next event.
    private func begin(
        _ taskID: String, _ work: @escaping @Sendable (isolated Worker) async throws -> TaskStateMachine.Event?
    ) {
        // Not awaited: the machine holds at most one of them a task, and its answer comes as an event.
        Task {
            do {
                if let event = try await work(self) { handle(event, of: taskID) }
            } catch {
                log.warning("task", ["task": taskID, "error": String(describing: error)])
                handle(.failed(String(describing: error)), of: taskID)
            }
        }
    }

    private func prepare(_ task: ClusterTask) async throws -> TaskStateMachine.Event {
        await preparations.enter()
        defer { preparations.leave() }
        guard let spec = task.spec.containerSpec else {
            throw AgentError(.unsupported, "the task has no container")
        }
        let network = try await networking.attach(task)
        let id = Self.containerID(task.id)
        // What a daemon that ended in the midst of it had made.
        if (try? await engine.record(id)) != nil { try await engine.remove(id, force: true) }
        do {
            _ = try await engine.create(
                ContainerSpecification(
                    id: id, name: task.containerName, spec: spec, limits: task.spec.resources?.limits,
                    labels: TaskLabels.all(of: task, nodeID: nodeID), network: network))
        } catch let error as AgentError where error.code == .notFound {
            throw AgentError(.notFound, error.message + " on this node; load it there: clusterctl image load -i FILE")
        }
        return .prepared
    }

    private func start(_ task: ClusterTask) async throws -> TaskStateMachine.Event {
        let pid = try await engine.start(Self.containerID(task.id), contents: files.contents(of: task))
        watch(task.id)
        return .started(pid: pid)
    }

    /// The exit itself is the answer.
    private func stop(_ task: ClusterTask) async throws -> TaskStateMachine.Event? {
        let grace = task.spec.containerSpec?.stopGracePeriod.map { Duration.nanoseconds(max(0, $0)) } ?? .seconds(10)
        do {
            try await engine.stop(Self.containerID(task.id), grace: grace)
            return nil
        } catch let error as AgentError where error.code == .notFound {
            return .exited(ContainerExit(code: 137, wasOutOfMemory: false, at: WallClock.now(), error: error.message))
        }
    }

    private func release(_ task: ClusterTask) async throws -> TaskStateMachine.Event {
        try await networking.detach(task.id)
        return .done
    }

    private func remove(_ task: ClusterTask) async throws -> TaskStateMachine.Event {
        let id = Self.containerID(task.id)
        if (try? await engine.record(id)) != nil { try await engine.remove(id, force: true) }
        try await networking.detach(task.id)
        return .done
    }

    private func rest(_ taskID: String) {
        _ = loop.schedule(after: Self.rest) { [weak self] in
            self?.assumeIsolated { $0.handle(.rested, of: taskID) }
        }
    }

    private func forget(_ taskID: String) {
        machines[taskID] = nil
        unreported[taskID] = nil
        do {
            try store.remove(taskID)
        } catch {
            log.error("a task is not forgotten on disk", ["task": taskID, "error": String(describing: error)])
        }
    }

    /// Hears of a running container's end.
    private func watch(_ taskID: String) {
        // Ends with the container; holds nothing but the worker.
        Task {
            guard let exit = try? await engine.wait(Self.containerID(taskID)) else { return }
            handle(.exited(exit), of: taskID)
        }
    }

    private func removeStray(_ id: String) {
        // Nothing waits for it: a stray that stays is found again at the next start.
        Task {
            do {
                try await engine.remove(id, force: true)
            } catch {
                log.warning("a container without a task stays", ["container": id, "error": String(describing: error)])
            }
        }
    }

    private func persist(_ taskID: String) {
        guard let machine = machines[taskID] else { return }
        do {
            try store.save(machine)
        } catch {
            log.error("a task is not written down", ["task": taskID, "error": String(describing: error)])
        }
    }
}
