internal import Model
internal import Platform
internal import Store

/// The leader's talk with the agents: who lives, what each should have, what each reports. Made anew for every term.
///
/// Heartbeats count from the beginning of the term: a new leader knows nothing about the time before, so no node is down
/// until its agent had the time to notice the change and to come here (`DispatchLimits.newLeaderGrace`). Until then it is
/// unknown: it keeps its tasks and gets no others (`doubt`).
actor Dispatcher {
    enum Limits {
        /// Between two looks for silent nodes.
        static let sweepInterval: Duration = .milliseconds(250)
        /// Between two rounds of assignments, so that changes come together.
        static let assignmentPause: Duration = .milliseconds(10)
    }

    private let store: Store
    private let proposer: any Proposer
    private let clock: ControlClock
    private let members: any MemberGroup
    private let reports: StatusReports
    private let logs: LogBroker
    private let signal = Signal()
    private let log = Logger("dispatcher")
    private var sessions: [String: AgentSession] = [:]
    /// The managers as each agent was told last in this term.
    private var told: [String: [ManagerEndpoint]] = [:]
    private var lastHeard: [String: Duration] = [:]
    /// Clocks that differ from the leader's, as they were found last.
    private var clocks: [String: ClockDifference] = [:]
    private let begin: Duration
    private var plan: AssignmentPlan?
    private var drain = DrainPause()
    private var isOver = false
    private var arrivals: UInt64 = 0

    init(store: Store, proposer: any Proposer, clock: ControlClock, members: any MemberGroup, logs: LogBroker) {
        self.store = store
        self.proposer = proposer
        self.clock = clock
        self.members = members
        self.logs = logs
        reports = StatusReports(store: store, proposer: proposer, clock: clock)
        begin = clock.monotonic()
    }

    /// Until the task is cancelled: the term's end. Agents are sent away then; their tasks go on.
    func run() async {
        let (_, feed) = store.watch()
        defer { feed.cancel() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [reports] in await reports.run() }
            group.addTask { [signal] in while await feed.nextBatch() != nil { signal.wake() } }
            group.addTask { await self.assign() }
            group.addTask { await self.sweep() }
            await group.next()
            group.cancelAll()
        }
        isOver = true
        for session in sessions.values {
            session.connection.close()
            logs.lost(session.nodeID)
        }
        sessions = [:]
    }

    // MARK: Sessions

    /// Serves one agent until it goes, another connection takes its place, or the term ends.
    func serve(_ connection: any DispatchConnection, nodeID: String) async throws {
        guard case .register(let registration)? = try await connection.receive() else { return }
        guard !isOver else { return try await connection.send(.redirect(await members.managers())) }
        guard store.snapshot.get(Node.self, nodeID) != nil else {
            try await connection.send(.refused(reason: Self.removed(nodeID)))
            return
        }
        heard(nodeID)
        arrivals += 1
        let session = AgentSession(nodeID: nodeID, arrival: arrivals, connection: connection)
        try await register(nodeID, registration)
        // Nothing else may reach the agent before this.
        try await connection.send(
            .registered(
                Session(
                    id: session.id, heartbeatPeriodNanoseconds: heartbeatPeriod.inNanoseconds,
                    managers: await members.managers())))
        guard !isOver, enter(session) else { return }
        defer { end(session) }
        await reports.add(registration.statuses, from: nodeID)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.listen(to: session) }
            group.addTask { await self.deliver(to: session) }
            defer {
                group.cancelAll()
                connection.close()
            }
            try await group.next()
        }
    }

    /// Takes the place of the node's earlier session, if there is one; false where a later one is here already.
    private func enter(_ session: AgentSession) -> Bool {
        if let other = sessions[session.nodeID], other.arrival > session.arrival { return false }
        if let previous = sessions.updateValue(session, forKey: session.nodeID) {
            previous.connection.close()
            logs.lost(session.nodeID)
        }
        log.info("agent registered", ["node": session.nodeID, "session": session.id])
        signal.wake()
        return true
    }

    private func end(_ session: AgentSession) {
        log.info("agent gone", ["node": session.nodeID, "session": session.id])
        guard sessions[session.nodeID]?.id == session.id else { return }
        sessions[session.nodeID] = nil
        logs.lost(session.nodeID)
    }

    private func listen(to session: AgentSession) async throws {
        while let message = try await session.connection.receive() {
            heard(session.nodeID)
            try await handle(message, session)
        }
    }

    private func handle(_ message: AgentMessage, _ session: AgentSession) async throws {
        switch message {
        case .register(let registration):
            try await register(session.nodeID, registration)
            await reports.add(registration.statuses, from: session.nodeID)
        case .heartbeat(let id, let time):
            guard id == session.id else { return session.connection.close() }
            try await session.connection.send(.heartbeat(periodNanoseconds: heartbeatPeriod.inNanoseconds))
            // Who comes in later must be known when the others are gone.
            let managers = await members.managers()
            if !managers.isEmpty, managers != told[session.nodeID] {
                told[session.nodeID] = managers
                try await session.connection.send(.managers(managers))
            }
            if let time { try await compare(time, of: session.nodeID) }
        case .taskStatuses(let statuses):
            await reports.add(Array(statuses.prefix(DispatchLimits.statusesPerMessage)), from: session.nodeID)
        case .logEntries(let subscription, let entries):
            logs.deliver(entries, to: subscription, from: session.nodeID)
        case .logEnd(let subscription, let error):
            logs.end(subscription, from: session.nodeID, error: error)
        }
    }

    /// The connection of a node's agent, if it is here.
    func connection(of nodeID: String) -> (any DispatchConnection)? { sessions[nodeID]?.connection }

    /// What the node says of itself goes into its object; it is ready from now on.
    private func register(_ nodeID: String, _ registration: Registration) async throws {
        try await store.update(through: proposer, at: clock.wall()) { transaction in
            guard var node = transaction.get(Node.self, nodeID) else { return }
            node.description = registration.description
            node.dataPathAddress = registration.dataPathAddress
            if let address = registration.clusterAddress, SocketAddress.parse(address) != nil {
                node.clusterAddress = address
            }
            node.status.state = .ready
            node.status.message = nil
            try transaction.put(node)
        }
        clocks[nodeID] = nil
    }

    /// A clock that differs from the leader's is said where users look. What is decided does not depend on it.
    private func compare(_ time: Timestamp, of nodeID: String) async throws {
        let difference = ClockDifference(of: time, from: clock.wall())
        guard difference != clocks[nodeID] else { return }
        clocks[nodeID] = difference
        if let difference {
            log.warning(
                "a node's clock differs from the leader's", ["node": nodeID, "its": time, "is": difference.text])
        }
        try await store.update(through: proposer, at: clock.wall()) { transaction in
            guard var node = transaction.get(Node.self, nodeID), node.status.state == .ready else { return }
            node.status.message = difference?.text
            try transaction.put(node)
        }
    }

    // MARK: Who lives

    /// Says of all nodes that were ready, and are not heard of in this term, that nothing is known of them. To be done before
    /// anything is placed: one may have been lost together with the former leader.
    func doubt() async {
        while !Task.isCancelled {
            let unheard = store.snapshot.all(Node.self).filter { $0.status.state == .ready && lastHeard[$0.id] == nil }
            if unheard.isEmpty { return }
            do {
                try await mark(unheard, .unknown, NodeStatus.leaderChanged)
            } catch {
                log.warning("cannot say which nodes are not heard of yet", ["error": "\(error)"])
                try? await Task.sleep(for: Limits.sweepInterval)
            }
        }
    }

    private func heard(_ nodeID: String) { lastHeard[nodeID] = clock.monotonic() }

    private var heartbeatPeriod: Duration {
        let wanted = store.snapshot.all(Cluster.self).first?.spec.dispatcher?.heartbeatPeriod ?? 0
        return wanted > 0 ? .nanoseconds(wanted) : DispatchLimits.heartbeatPeriod
    }

    /// Marks nodes down that were silent for the whole grace, and ready again when they are heard after all. The sessions
    /// of those that still seem connected are ended.
    private func sweep() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: Limits.sweepInterval)
            let period = heartbeatPeriod
            let now = clock.monotonic()
            let nodes = store.snapshot.all(Node.self)
            let isSilent = { (id: String) in now - self.lastWord(of: id) > self.grace(of: id, period) }
            lastHeard = lastHeard.filter { store.snapshot.get(Node.self, $0.key) != nil }
            clocks = clocks.filter { lastHeard[$0.key] != nil }
            let silent = nodes.filter { $0.status.state != .down && isSilent($0.id) }
            // One that registered while it was being marked down, or unknown.
            let back = nodes.filter {
                $0.status.state != .ready && sessions[$0.id] != nil && !isSilent($0.id)
            }
            for node in silent {
                log.warning("node is down", ["node": node.id])
                sessions[node.id]?.connection.close()
            }
            do {
                try await mark(silent, .down, "heartbeat failure")
                try await mark(back, .ready, nil)
                // What their clocks are was said where that is now.
                for node in back { clocks[node.id] = nil }
            } catch {
                log.warning("cannot say which nodes are down", ["error": "\(error)"])
            }
        }
    }

    private func lastWord(of nodeID: String) -> Duration { lastHeard[nodeID] ?? begin }

    /// Longer for a node that this leader has not heard of yet.
    private func grace(of nodeID: String, _ period: Duration) -> Duration {
        lastHeard[nodeID] == nil
            ? DispatchLimits.newLeaderGrace(heartbeat: period) : period * DispatchLimits.heartbeatGrace
    }

    /// Those of them that are as they were seen: what became of the others meanwhile is news.
    private func mark(_ nodes: [Node], _ state: NodeState, _ message: String?) async throws {
        for start in stride(from: 0, to: nodes.count, by: Command.writesLimit) {
            try await mark(nodes[start..<min(start + Command.writesLimit, nodes.count)], state, message)
        }
    }

    private func mark(_ nodes: ArraySlice<Node>, _ state: NodeState, _ message: String?) async throws {
        try await store.update(through: proposer, at: clock.wall()) { transaction in
            for seen in nodes {
                guard var node = transaction.get(Node.self, seen.id), node.version == seen.version else { continue }
                // Who was let in and is not heard of since is to be known as such.
                let isAwaited = state == .down && node.status.message == NodeStatus.letIn
                node.status.state = state
                if !isAwaited { node.status.message = message }
                try transaction.put(node)
            }
        }
    }

    // MARK: What each should have

    private func assign() async {
        signal.wake()
        for await _ in signal.wakes {
            let current = AssignmentPlan(store.snapshot)
            plan = current
            if let wait = drain.update(current.leaving, at: clock.monotonic()) {
                // A look at the state too many does no harm, so nobody ends this.
                Task { [signal] in
                    try? await Task.sleep(for: wait)
                    signal.wake()
                }
            }
            for session in sessions.values { session.signal.wake() }
            try? await Task.sleep(for: Limits.assignmentPause)
            if Task.isCancelled { return }
        }
    }

    /// The whole set at first, then what changed; each session for itself, so that an agent that takes nothing holds up
    /// nobody else. Returns when the connection takes nothing more: its agent comes back.
    private func deliver(to session: AgentSession) async {
        var previous: AssignmentPlan.Assignment?
        var sequence: UInt64 = 0
        for await _ in session.signal.wakes {
            guard let plan else { continue }
            do {
                guard plan.knows(session.nodeID) else {
                    return try await session.connection.send(.refused(reason: Self.removed(session.nodeID)))
                }
                let assignment = plan.assignment(of: session.nodeID, holding: drain.held)
                let message: ManagerMessage
                if let previous {
                    guard let changes = assignment.changes(since: previous, sequence: sequence + 1) else { continue }
                    message = .assignmentChanges(changes)
                } else {
                    message = .assignments(
                        AssignmentSet(
                            sequence: sequence + 1, tasks: assignment.tasks, networkState: assignment.networkState,
                            files: assignment.files))
                }
                let known = Set(previous?.files ?? [])
                for files in plan.messages(with: assignment.files.filter { !known.contains($0) }) {
                    try await session.connection.send(.files(files))
                }
                try await session.connection.send(message)
                sequence += 1
                previous = assignment
            } catch {
                return log.debug("an agent takes nothing more", ["node": session.nodeID, "error": "\(error)"])
            }
        }
    }

    private static func removed(_ nodeID: String) -> String {
        "the node \(nodeID) is not in the cluster (it was removed)"
    }
}

/// One agent's session.
private struct AgentSession: Sendable {
    let id = Identifier.random()
    let nodeID: String
    /// Of two sessions of a node the later one counts.
    let arrival: UInt64
    let connection: any DispatchConnection
    /// Wakes its delivery.
    let signal = Signal()

    init(nodeID: String, arrival: UInt64, connection: any DispatchConnection) {
        self.nodeID = nodeID
        self.arrival = arrival
        self.connection = connection
    }
}
