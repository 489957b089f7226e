import Model
import Platform

/// What is to happen to one task on its node: events in, actions out. Nothing here touches a container.
///
/// Level-triggered: after every event the next step follows from what is wanted (the assignment), what is (the state and
/// the container) and what is under way, at most one thing at a time. The reported state never goes back.
struct TaskStateMachine: Sendable, Equatable {
    enum Event: Sendable {
        /// The managers' newest word on the task.
        case assign(ClusterTask)
        /// The managers no longer know the task.
        case unassign
        /// `prepare` is done: the container exists.
        case prepared
        /// `start` is done.
        case started(pid: Int32)
        /// What is under way could not be done.
        case failed(String)
        /// The container has ended; by itself, or because it was stopped.
        case exited(ContainerExit)
        /// `release` or `remove` is done.
        case done
        /// The pause after one of these could not be done is over.
        case rested
        /// What is here of its secrets and configs has changed.
        case supplied(Supply)
    }

    /// What is here of the secrets and configs that a task needs.
    enum Supply: Sendable, Equatable {
        case complete
        /// No manager was heard yet.
        case awaited
        /// The managers have said all, and these were not in it.
        case missing(String)
    }

    enum Action: Sendable, Equatable {
        /// The status has changed: persist it and tell the managers.
        case report
        /// Make sandbox and container.
        case prepare
        /// Start the container.
        case start
        /// Ask the container to stop, then kill it.
        case stop
        /// Give back addresses and sandbox: nothing runs any more.
        case release
        /// Remove container and sandbox.
        case remove
        /// What could not be given back is tried again after a pause, for as long as it takes.
        case rest
        /// The task is gone: forget it.
        case forget
    }

    /// What is being done and has not been answered.
    enum Work: String, Sendable, Equatable { case prepare, start, stop, release, remove }

    private(set) var task: ClusterTask
    private(set) var status: TaskStatus
    private(set) var isAssigned = true
    private(set) var supply: Supply
    private(set) var underWay: Work?
    /// The container's first process runs.
    private(set) var isRunning = false
    /// A sandbox may be held.
    private(set) var holdsSandbox = false
    /// Giving back has failed, and is not tried again yet.
    private var isResting = false
    /// An end that was seen while a start was still to be answered.
    private var pendingExit: ContainerExit?
    private let containerID: String

    /// A task as the managers assign it first.
    init(_ task: ClusterTask, containerID: String, supply: Supply = .complete) {
        self.task = task
        self.supply = supply
        self.containerID = containerID
        status = task.status
        if status.state < .assigned { status.state = .assigned }
    }

    /// A task that an earlier daemon had: what it last reported and what there is of its container.
    init(
        restoring task: ClusterTask, status: TaskStatus, container: ContainerRecord?, containerID: String,
        supply: Supply = .complete
    ) {
        self.task = task
        self.supply = supply
        self.containerID = containerID
        self.status = status
        holdsSandbox = !status.state.isTerminal && status.state >= .preparing
        isRunning = container?.state == .running
        // What was being made is made again; what was made is there.
        if status.state == .preparing, container != nil { self.status.state = .ready }
    }

    /// What follows from how things are after a restart; call it once.
    mutating func resume(container: ContainerRecord?) -> [Action] {
        if status.state.isTerminal { return step() }
        if isRunning, let container {
            return become(.running, "started", pid: container.process?.pid) + step()
        }
        if let exit = container?.exit, status.state >= .starting { return ended(exit) + step() }
        guard container == nil, status.state >= .ready else { return step() }
        return become(.failed, "started", error: "its container was lost while the node was away") + step()
    }

    mutating func handle(_ event: Event, now: Timestamp = WallClock.now()) -> [Action] {
        var actions: [Action] = []
        switch event {
        case .assign(let newer):
            guard newer.id == task.id else { return [] }
            // What is wanted never goes back.
            let wanted = max(task.desiredState, newer.desiredState)
            task = newer
            task.desiredState = wanted
            isAssigned = true
        case .unassign:
            isAssigned = false
        case .prepared:
            underWay = nil
            if status.state < .ready { actions += become(.ready, "prepared", at: now) }
        case .started(let pid):
            underWay = nil
            if let exit = pendingExit {
                pendingExit = nil
                actions += become(.running, "started", pid: pid, at: now) + ended(exit, at: now)
            } else {
                isRunning = true
                actions += become(.running, "started", pid: pid, at: now)
            }
        case .failed(let reason):
            actions += workFailed(reason, at: now)
        case .exited(let exit):
            if underWay == .start {
                pendingExit = exit
            } else {
                if underWay == .stop { underWay = nil }
                isRunning = false
                actions += ended(exit, at: now)
            }
        case .done:
            if underWay == .release { holdsSandbox = false }
            if underWay == .remove, !isAssigned { return [.forget] }
            underWay = nil
        case .rested:
            isResting = false
        case .supplied(let supply):
            self.supply = supply
        }
        return actions + step(at: now)
    }

    private mutating func workFailed(_ reason: String, at now: Timestamp) -> [Action] {
        let work = underWay
        underWay = nil
        switch work {
        case .prepare: return become(.rejected, "preparing", error: reason, at: now)
        case .start: return become(.failed, "starting", error: reason, at: now)
        case .stop: return become(status.state, status.message ?? "", error: reason, at: now)
        case .release, .remove:
            isResting = true
            return [.rest]
        case nil: return []
        }
    }

    /// The next step, if nothing is under way.
    private mutating func step(at now: Timestamp = WallClock.now()) -> [Action] {
        guard underWay == nil, !isResting else { return [] }
        if isRunning {
            return isAssigned && task.desiredState < .shutdown ? [] : begin(.stop)
        }
        if !isAssigned { return begin(.remove) }
        if status.state.isTerminal { return holdsSandbox ? begin(.release) : [] }
        if task.desiredState >= .shutdown { return become(.shutdown, "shutdown", at: now) + step(at: now) }
        switch status.state {
        case .new, .pending, .assigned:
            return become(.accepted, "accepted", at: now) + step(at: now)
        case .accepted:
            return become(.preparing, "preparing", at: now) + step(at: now)
        case .preparing:
            if let withheld = withheld(.rejected, at: now) { return withheld }
            holdsSandbox = true
            return begin(.prepare)
        case .ready:
            guard task.desiredState >= .running else { return [] }
            return become(.starting, "starting", at: now) + step(at: now)
        case .starting:
            return withheld(.failed, at: now) ?? begin(.start)
        default:
            return []
        }
    }

    /// What keeps the task where it is for want of its secrets and configs; nil where they are here.
    private mutating func withheld(_ end: TaskState, at now: Timestamp) -> [Action]? {
        switch supply {
        case .complete: return nil
        case .awaited:
            return become(status.state, "waiting for a manager to send its secrets and configs", at: now)
        case .missing(let what):
            return become(end, status.message ?? "", error: what, at: now) + step(at: now)
        }
    }

    private mutating func begin(_ work: Work) -> [Action] {
        underWay = work
        switch work {
        case .prepare: return [.prepare]
        case .start: return [.start]
        case .stop: return [.stop]
        case .release: return [.release]
        case .remove: return [.remove]
        }
    }

    /// What an exit means depends on what was wanted.
    private mutating func ended(_ exit: ContainerExit, at now: Timestamp = WallClock.now()) -> [Action] {
        let wasWanted = isAssigned && task.desiredState < .shutdown
        if !wasWanted { return become(.shutdown, "shutdown", exit: exit, at: now) }
        if exit.code == 0 { return become(.complete, "finished", exit: exit, at: now) }
        let reason = exit.error.map { ": \($0)" } ?? (exit.wasOutOfMemory ? ": out of memory" : "")
        return become(.failed, "started", error: "task: non-zero exit (\(exit.code))\(reason)", exit: exit, at: now)
    }

    private mutating func become(
        _ state: TaskState, _ message: String, error: String? = nil, pid: Int32? = nil, exit: ContainerExit? = nil,
        at now: Timestamp = WallClock.now()
    ) -> [Action] {
        guard state >= status.state, !(status.state.isTerminal && state != status.state) else { return [] }
        var container = status.containerStatus
        if state >= .ready || container != nil {
            container = container ?? TaskStatus.ContainerStatus(containerID: containerID)
            if let pid { container?.pid = Int(pid) }
            if let exit { container?.exitCode = Int(exit.code) }
            if state.isTerminal { container?.pid = nil }
        }
        let changed = TaskStatus(
            timestamp: now, state: state, message: message, error: error, containerStatus: container)
        if changed.state == status.state, changed.error == status.error, changed.message == status.message,
            changed.containerStatus == status.containerStatus
        {
            return []
        }
        status = changed
        return [.report]
    }
}
