import Discovery
import HTTP
import Model
import Platform
import Raft
import Store
import Synchronization

/// Where a node's discovery API stands: the manager that it is, if it is one.
final class DiscoveryNode: Sendable {
    private let current = Mutex<DiscoveryMember?>(nil)
    /// Whether the node is a manager whose keys nobody has unlocked yet.
    private let isLocked = Atomic(false)
    /// Whether it is not known yet what the node is: it takes up the part that it had.
    private let isStarting = Atomic(true)

    private let port = Mutex(Port())

    private struct Port {
        weak var server: HTTPServer?
        /// What holds for those who show nothing.
        var anonymous: AccessToken?
    }

    /// What goes on by tokens' leave, on the API too.
    let calls = OpenCalls()

    /// Begins or ceases to answer for a manager.
    func serve(_ member: DiscoveryMember?) {
        current.withLock { $0 = member }
        review(member?.access.now())
    }

    /// Those who may do what are others than before: what is open is held against it.
    ///
    /// - Parameter known: nil where the node is no manager any more.
    func review(_ known: AccessTokens?) {
        calls.review(known)
        let anonymous = known?.anonymous
        let isNews = port.withLock { port in
            defer { port.anonymous = anonymous }
            return anonymous != nil && anonymous != port.anonymous
        }
        // Who shows nothing is not held one by one: there are thousands that wait, and this happens once.
        if isNews { port.withLock { $0.server }?.abort { _ in true } }
    }

    /// The server whose requests `respond(onPort:)` answers.
    func listens(by server: HTTPServer) { port.withLock { $0.server = server } }

    /// What the node was, it is again.
    func hasStarted() { isStarting.store(false, ordering: .relaxed) }

    func setLocked(_ isLocked: Bool) { self.isLocked.store(isLocked, ordering: .relaxed) }

    /// Those that this node knows as a manager; nil where it is none.
    var tokens: AccessTokens? { current.withLock { $0 }?.access.now() }

    /// Answers a request that came in on the discovery port, where a token is all that anybody can show. What may change something is
    /// noted where there is an audit log.
    nonisolated(nonsending) func respond(onPort request: HTTPRequest, audit: AuditLog? = nil) async -> HTTPResponse {
        let caller: Caller?
        do { caller = try tokens?.caller(onDiscoveryPort: request) } catch { return failure(error) }
        guard let audit, AuditEntry.isWorthy(request) else { return await respond(to: request, of: caller) }
        return await audit.noting(request, by: caller ?? .anyone) { await respond(to: $0, of: caller) }
    }

    private nonisolated(nonsending) func respond(to request: HTTPRequest, of caller: Caller?) async -> HTTPResponse {
        do {
            guard let caller else { return await respond(to: request) }
            try caller.check(request)
            if caller.isAnonymous { return await respond(to: request) }
            return try await calls.answer(
                request, by: caller, known: { [self] in tokens }, { [self] in await respond(to: $0) })
        } catch {
            return failure(error)
        }
    }

    private func failure(_ error: any Error) -> HTTPResponse {
        DiscoveryAPI.failure(error, knowsLeader: current.withLock { $0 }?.knowsLeader ?? false)
    }

    /// Answers a request of the discovery API.
    nonisolated(nonsending) func respond(to request: HTTPRequest) async -> HTTPResponse {
        guard let member = current.withLock({ $0 }) else {
            let isLocked = isLocked.load(ordering: .relaxed)
            let isStarting = isStarting.load(ordering: .relaxed)
            return DiscoveryAPI.failure(
                isLocked ? Self.locked : isStarting ? Self.starting : Self.noManager, knowsLeader: false)
        }
        guard member.isSound else { return DiscoveryAPI.failure(Self.differs, knowsLeader: member.knowsLeader) }
        return await DiscoveryAPI(cluster: member).respond(to: request)
    }

    private static let differs = HTTPError(
        .internalServerError,
        "This manager's state differs from the others' and is being replaced; ask another one.")

    private static let locked = HTTPError(
        .internalServerError,
        "No cluster leader: this manager is locked and needs to be unlocked: clusterctl unlock. Or ask another one.")

    private static let starting = HTTPError(
        .internalServerError, "No cluster leader: this node is starting; try again in a moment, or ask another one.")

    private static let noManager = HTTPError(
        .internalServerError,
        "No cluster leader: this node is no manager of a cluster. Ask a manager, or make this node one: clusterctl init, "
            + "or clusterctl join with a manager's token.")
}

/// A manager as the discovery API sees it.
final class DiscoveryMember: DiscoveryCluster {
    let store: Store
    let proposer: any Proposer
    let watches: WatchHub
    let sessions: SessionKeeper
    let access: KnownAccess
    let nodeName: String
    private let raft: RaftNode
    private let leading = Mutex<Term?>(nil)
    private let contacts = Mutex(Contacts())
    private let authority: @Sendable () async throws -> ClusterAuthority

    /// When other members were last heard of.
    private struct Contacts {
        /// Monotonic nanoseconds.
        var heard: [NodeID: Int64] = [:]
        var leader: NodeID?
        let start = MonotonicClock.nanoseconds()
    }

    init(
        store: Store, raft: RaftNode, proposer: any Proposer, loop: EventLoop, nodeName: String, access: KnownAccess,
        authority: @escaping @Sendable () async throws -> ClusterAuthority
    ) {
        self.store = store
        self.raft = raft
        self.access = access
        watches = WatchHub(store: store, loop: loop)
        self.nodeName = nodeName
        self.proposer = proposer
        sessions = SessionKeeper(store: store, proposer: proposer)
        self.authority = authority
    }

    /// The term that this member leads and whose beginning it has applied; nil where there is none.
    func lead(in term: Term?) {
        leading.withLock { $0 = term }
        if term == nil { sessions.rest() } else { sessions.lead() }
    }

    var isLeading: Bool {
        guard let term = leading.withLock({ $0 }) else { return false }
        return raft.leadingTerm == term && isSound
    }

    var holdsLease: Bool {
        guard let term = leading.withLock({ $0 }) else { return false }
        return raft.holdsLease(in: term) && isSound
    }

    /// Its state is to be believed, as far as anybody knows.
    var isSound: Bool { raft.isSound }

    var knowsLeader: Bool { raft.knowsLeader }

    var leaderAddress: String? { raft.status.leaderMember?.address }

    var peerAddresses: [String] { raft.status.configuration.voters.map(\.address).sorted() }

    /// A message of the member came in.
    func heard(of member: NodeID) { contacts.withLock { $0.heard[member] = MonotonicClock.nanoseconds() } }

    var lastContact: Duration {
        if raft.leadingTerm != nil { return .zero }
        let status = raft.status
        return contacts.withLock { contacts in
            // Where none is known, it counts since the last one.
            if let leader = status.leader { contacts.leader = leader }
            let last = contacts.leader.flatMap { contacts.heard[$0] } ?? contacts.start
            return .nanoseconds(max(0, MonotonicClock.nanoseconds() - last))
        }
    }

    func confirmLeadership() async throws { _ = try await raft.readIndex() }

    func forward(_ request: HTTPRequest) async throws -> HTTPResponse {
        try await ClusterForwarding(noLeader: Self.noLeader) { [self] in
            guard case .here = try await authority() else { return try await authority() }
            return .here(router)
        }.respond(to: request)
    }

    /// As Consul says it, and its clients look for.
    static let noLeader = HTTPError(
        .internalServerError,
        "No cluster leader: too few managers are online. Make sure more than half of them are, then try again; "
            + "?stale reads what this one knows.")

    /// For a request that waited until this member led.
    private var router: Router {
        var router = Router()
        for method in [HTTPMethod.get, .put, .delete] {
            router.on(method, "/v1/{rest...}") { [self] in await DiscoveryAPI(cluster: self).respond(to: $0) }
        }
        return router
    }
}
