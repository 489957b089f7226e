internal import HTTP
internal import Model
internal import Platform
internal import Store
internal import Synchronization

/// The leader's part in making managers and workers of nodes: takes the steps of `RolePlan`, and forgets nodes that were let in
/// and never came.
struct RoleLoop: Sendable {
    let store: Store
    let proposer: any Proposer
    let clock: ControlClock
    let dispatcher: Dispatcher
    let members: any MemberGroup

    enum Limits {
        /// Between two looks.
        static let interval: Duration = .milliseconds(100)
        /// A node is told again after so many looks.
        static let looksBetweenWords = 20
        /// After an attempt that failed.
        static let retry: Duration = .seconds(2)
        /// For a node that was let in, until it registers: beyond it its join has failed.
        static let arrival: Duration = .seconds(120)
    }

    /// What is under way, and what is to wait.
    private final class Progress: Sendable {
        struct State {
            var admitting: Set<String> = []
            var retryAt: [String: Duration] = [:]
            /// Why the last attempt failed.
            var failures: [String: String] = [:]
        }
        let state = Mutex(State())

        /// False while the node is being admitted, or failed to be a moment ago.
        func begin(_ nodeID: String, at now: Duration) -> Bool {
            state.withLock { state in
                guard now >= state.retryAt[nodeID] ?? .zero else { return false }
                return state.admitting.insert(nodeID).inserted
            }
        }

        /// True where the failure is news.
        func end(_ nodeID: String, failure: String? = nil, retryAt: Duration? = nil) -> Bool {
            state.withLock { state in
                state.admitting.remove(nodeID)
                state.retryAt[nodeID] = retryAt
                defer { state.failures[nodeID] = failure }
                return state.failures[nodeID] != failure
            }
        }
    }

    private let progress = Progress()
    private let log = Logger("roles")

    init(
        store: Store, proposer: any Proposer, clock: ControlClock, dispatcher: Dispatcher, members: any MemberGroup
    ) {
        self.store = store
        self.proposer = proposer
        self.clock = clock
        self.dispatcher = dispatcher
        self.members = members
    }

    /// Until the task is cancelled: the term's end.
    func run() async {
        await withDiscardingTaskGroup { group in
            var words = RenewalWords(looksBetween: Limits.looksBetweenWords)
            var reasons: [String: String] = [:]
            var firstSeen: [String: Duration] = [:]
            var settled: (revision: UInt64, group: [GroupMember])?
            while !Task.isCancelled {
                try? await Task.sleep(for: Limits.interval)
                let snapshot = store.snapshot
                let now = await members.members()
                if let settled, settled.revision == snapshot.revision, settled.group == now { continue }
                guard !Task.isCancelled, snapshot.count(Cluster.self) > 0 else { continue }
                let plan = RolePlan(snapshot.all(Node.self), now)
                settled = plan.steps.isEmpty && plan.silent.isEmpty ? (snapshot.revision, now) : nil
                await words.tell(plan.asked, by: dispatcher)
                await changeGroup(plan, &reasons, &group)
                await forget(plan.silent, &firstSeen)
            }
        }
    }

    /// One change of who is in the group at a time; admissions, which wait for a node to catch up, go on beside it.
    private func changeGroup(
        _ plan: RolePlan, _ reasons: inout [String: String], _ group: inout DiscardingTaskGroup
    ) async {
        var waiting: [String: String] = [:]
        var hasChanged = false
        for step in plan.steps where !Task.isCancelled {
            switch step {
            case .ask: break
            case .admit(let nodeID, let incarnation, let address):
                guard progress.begin(nodeID, at: clock.monotonic()) else { continue }
                group.addTask { await admit(nodeID, incarnation, address) }
            case .wait(let nodeID, let reason):
                waiting[nodeID] = reason
                if reasons[nodeID] != reason {
                    log.warning("a node does not become a worker yet", ["node": nodeID, "reason": reason])
                }
            case .expel, .handOver, .retire:
                guard !hasChanged else { continue }
                hasChanged = true
                await take(step)
            }
        }
        reasons = waiting
    }

    private func take(_ step: RolePlan.Step) async {
        do {
            switch step {
            case .expel(let place, let nodeID):
                try await members.removeMember(place: place)
                log.info("a manager has left the group", ["node": nodeID ?? "unknown", "place": place])
            case .handOver(let nodeID):
                log.info("to become a worker, this manager has another one lead", ["next": nodeID])
                try await members.transferLeadership(to: nodeID)
            case .retire(let nodeID):
                try await store.update(through: proposer, at: clock.wall()) { transaction in
                    guard var node = transaction.get(Node.self, nodeID), node.spec.role == .worker else { return }
                    node.role = .worker
                    try transaction.put(node)
                }
                log.info("a manager counts as a worker", ["node": nodeID])
            case .ask, .admit, .wait: break
            }
        } catch {
            log.warning("a change of the managers has to wait", ["step": "\(step)", "error": "\(error)"])
            try? await Task.sleep(for: Limits.interval * 5)
        }
    }

    private func admit(_ nodeID: String, _ incarnation: UInt32, _ address: String) async {
        do {
            try await members.addMember(nodeID: nodeID, incarnation: incarnation, address: address)
            _ = progress.end(nodeID)
            log.info("a node is a manager", ["node": nodeID])
        } catch {
            let retryAt = clock.monotonic() + Limits.retry
            if progress.end(nodeID, failure: "\(error)", retryAt: retryAt) {
                log.info("a node is no manager yet", ["node": nodeID, "error": "\(error)"])
            }
        }
    }

    /// Nodes that were let in and never registered: whoever asked for it has been told that it failed, or is gone.
    private func forget(_ silent: [String], _ firstSeen: inout [String: Duration]) async {
        firstSeen = firstSeen.filter { silent.contains($0.key) }
        for nodeID in silent {
            let first = firstSeen[nodeID] ?? clock.monotonic()
            firstSeen[nodeID] = first
            guard clock.monotonic() - first > Limits.arrival else { continue }
            do {
                try await store.update(through: proposer, at: clock.wall()) { transaction in
                    guard let node = transaction.get(Node.self, nodeID), node.status.message == NodeStatus.letIn else {
                        return
                    }
                    try CertificatePolicy.remove(nodeID, in: &transaction)
                }
                log.warning("a node that was let in never came and is forgotten", ["node": nodeID])
            } catch {
                log.warning("a node that never came is not forgotten yet", ["node": nodeID, "error": "\(error)"])
            }
        }
    }
}

extension RolePlan {
    fileprivate var asked: [String] {
        steps.compactMap { step in
            if case .ask(let nodeID) = step { nodeID } else { nil }
        }
    }
}

/// Tells nodes to ask for a certificate, again after a while where nothing came of it.
struct RenewalWords {
    private let looksBetween: Int
    private var told: [String: Int] = [:]
    private var look = 0

    init(looksBetween: Int) { self.looksBetween = looksBetween }

    mutating func tell(_ nodeIDs: [String], by dispatcher: Dispatcher) async {
        look += 1
        told = told.filter { nodeIDs.contains($0.key) }
        for nodeID in nodeIDs where look - (told[nodeID] ?? -looksBetween) >= looksBetween {
            guard let connection = await dispatcher.connection(of: nodeID) else { continue }
            told[nodeID] = look
            try? await connection.send(.renewCertificate)
        }
    }
}
