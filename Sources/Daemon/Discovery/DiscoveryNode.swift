import Discovery
import HTTP
import Raft
import Store
import Synchronization

/// Where a node's discovery API stands: the manager that it is, if it is one.
final class DiscoveryNode: Sendable {
    private let current = Mutex<DiscoveryMember?>(nil)

    /// Begins or ceases to answer for a manager.
    func serve(_ member: DiscoveryMember?) { current.withLock { $0 = member } }

    /// Answers a request of the discovery API.
    nonisolated(nonsending) func respond(to request: HTTPRequest) async -> HTTPResponse {
        guard let member = current.withLock({ $0 }) else {
            return DiscoveryAPI.failure(Self.noManager, knowsLeader: false)
        }
        return await DiscoveryAPI(cluster: member).respond(to: request)
    }

    private static let noManager = HTTPError(
        .internalServerError,
        "No cluster leader: this node is no manager of a cluster. Ask a manager, or make this node one: clusterctl init, "
            + "or clusterctl join with a manager's token.")
}

/// A manager as the discovery API sees it.
final class DiscoveryMember: DiscoveryCluster {
    let store: Store
    let proposer: any Proposer
    private let raft: RaftNode
    private let leading = Mutex<Term?>(nil)
    private let authority: @Sendable () async throws -> ClusterAuthority

    init(store: Store, raft: RaftNode, authority: @escaping @Sendable () async throws -> ClusterAuthority) {
        self.store = store
        self.raft = raft
        proposer = RaftProposer(node: raft)
        self.authority = authority
    }

    /// The term that this member leads and whose beginning it has applied; nil where there is none.
    func lead(in term: Term?) { leading.withLock { $0 = term } }

    var isLeading: Bool {
        guard let term = leading.withLock({ $0 }) else { return false }
        let status = raft.status
        return status.role == .leader && status.term == term
    }

    var knowsLeader: Bool { raft.status.leader != nil }

    func confirmLeadership() async throws { _ = try await raft.readIndex() }

    func forward(_ request: HTTPRequest) async throws -> HTTPResponse {
        try await ClusterForwarding { [self] in
            guard case .here = try await authority() else { return try await authority() }
            return .here(router)
        }.respond(to: request)
    }

    /// For a request that waited until this member led.
    private var router: Router {
        var router = Router()
        for method in [HTTPMethod.get, .put, .delete] {
            router.on(method, "/v1/{rest...}") { [self] in await DiscoveryAPI(cluster: self).respond(to: $0) }
        }
        return router
    }
}
