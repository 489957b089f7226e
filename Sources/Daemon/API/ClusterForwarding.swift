import HTTP
import Model
import Platform

/// The calls about the cluster's state: answered by the leader, wherever they are asked.
///
/// Only the leader plans and validates, so a follower hands the whole call over and streams the answer back
/// (docs/decisions/0003). While there is no leader a call waits for one, for at most `Limits.leaderWait`.
struct ClusterForwarding: Sendable {
    /// What is said where nobody leads.
    private let noLeader: HTTPError
    /// Who answers at this moment.
    private let authority: @Sendable () async throws -> ClusterAuthority

    init(
        noLeader: HTTPError = ClusterForwarding.noLeader,
        authority: @escaping @Sendable () async throws -> ClusterAuthority
    ) {
        self.noLeader = noLeader
        self.authority = authority
    }

    enum Limits {
        static let leaderWait: Duration = .seconds(5)
        static let leaderPoll: Duration = .milliseconds(20)
        /// Between two looks whether the leader that is to answer still is one.
        static let leaderWatch: Duration = .milliseconds(100)
    }

    func respond(to request: HTTPRequest) async throws -> HTTPResponse {
        let deadline = ContinuousClock.now + Limits.leaderWait
        while true {
            switch try await authority() {
            case .here(let router): return try await router.respond(to: request)
            case .leader(let client) where request.peer.nodeID == nil:
                do {
                    return try await whileLeading(client) { try await HTTPProxy.forward(request, to: client) }
                } catch let error where Self.mayRepeat(request, after: error) && ContinuousClock.now < deadline {
                    // The leader went away between two heartbeats: another will be known in a moment.
                    break
                }
            case .leader, .unknown:
                // What a follower forwarded here while this node lost the leadership is not forwarded again.
                break
            }
            guard ContinuousClock.now < deadline else { throw noLeader }
            try await Task.sleep(for: Limits.leaderPoll)
        }
    }

    /// Waits for the leader's answer for as long as it leads: one that is gone without a word would never say that it is.
    private func whileLeading(
        _ client: HTTPClient, _ call: @escaping @Sendable () async throws -> HTTPResponse
    ) async throws -> HTTPResponse {
        try await withThrowingTaskGroup(of: HTTPResponse?.self) { group in
            group.addTask { try await call() }
            group.addTask {
                repeat {
                    try await Task.sleep(for: Limits.leaderWatch)
                } while try await isLeader(client)
                return nil
            }
            defer { group.cancelAll() }
            guard let answer = try await group.next() ?? nil else { throw Self.leaderLost }
            return answer
        }
    }

    private func isLeader(_ client: HTTPClient) async throws -> Bool {
        if case .leader(let current) = try await authority() { current === client } else { false }
    }

    /// A call that changes nothing may be made again; another one only if it never reached a leader.
    private static func mayRepeat(_ request: HTTPRequest, after error: any Error) -> Bool {
        guard let error = error as? HTTPError, error.status == .badGateway || error.status == .gatewayTimeout else {
            return false
        }
        return request.method == .get || error.message.hasPrefix("cannot connect")
    }

    private static let leaderLost = HTTPError(
        .badGateway,
        "the leader was lost before it answered: whether the change was made is not known. Look, then try again.")

    /// As Docker says it.
    static let noLeader = HTTPError(
        .serviceUnavailable,
        "The swarm does not have a leader. It's possible that too few managers are online. Make sure more than half of "
            + "the managers are online, then try again.")
}

/// Who answers for the cluster's state.
enum ClusterAuthority: Sendable {
    /// This node leads.
    case here(Router)
    /// Another manager does; this client reaches its API over a cluster channel.
    case leader(HTTPClient)
    /// An election is going on, or there is no quorum.
    case unknown
}
