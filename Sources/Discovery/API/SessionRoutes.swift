import HTTP
import Model
import Platform
import Store

/// `/v1/session/...`.
struct SessionRoutes {
    let cluster: any DiscoveryCluster

    /// A `PUT /v1/session/create`, ready for the leader: its node is the one that was asked.
    static func completed(
        _ request: HTTPRequest, node: String
    ) async throws -> (request: HTTPRequest, session: KeySession) {
        let body = try await request.body.collect(upTo: SessionRequest.Limits.bodyBytes)
        var session = try SessionRequest(parsing: body).session
        if session.node.isEmpty { session.node = node }
        var completed = request
        completed.body = HTTPBody(SessionJSON.request(session))
        completed.headers["Content-Type"] = "application/json"
        return (completed, session)
    }

    /// On the leader.
    nonisolated(nonsending) func create(_ session: KeySession) async throws -> DiscoveryAnswer {
        var session = session
        session.node = try node(of: session)
        session.id = Self.uuid(randomBytes(16))
        let (revision, output) = try await cluster.propose(SessionCommand.create(session))
        switch output.first.flatMap(SessionCommand.Outcome.init) {
        case .done: return DiscoveryAnswer(index: revision, body: Array("{\"ID\":\"\(session.id)\"}".utf8))
        case .tooMany:
            throw HTTPError(
                .serviceUnavailable,
                "there are \(SessionState.Limits.sessions) sessions already; destroy some, or give them a TTL")
        case .exists, nil: throw HTTPError(.internalServerError, "the session was not made; try again")
        }
    }

    nonisolated(nonsending) func destroy(_ id: String) async throws -> DiscoveryAnswer {
        let (revision, _) = try await cluster.propose(SessionCommand.destroy([id]))
        return DiscoveryAnswer(index: revision, body: Array("true".utf8))
    }

    /// On the leader, which must still be one: another one counts from its own beginning.
    nonisolated(nonsending) func renew(_ id: String) async throws -> DiscoveryAnswer {
        try await cluster.confirmLeadership()
        guard let session = cluster.sessions.renew(id) else {
            throw HTTPError(.notFound, "Session id '\(id)' not found")
        }
        return DiscoveryAnswer(index: session.modify, body: SessionJSON.list([session]))
    }

    /// The node by its name, which must be up.
    private func node(of session: KeySession) throws(HTTPError) -> String {
        let nodes = cluster.store.snapshot.all(Node.self)
        guard let node = nodes.first(where: { $0.discoveryName == session.node || $0.id == session.node }) else {
            // A store without nodes is no cluster's, but a test's.
            if nodes.isEmpty { return session.node }
            throw HTTPError(.badRequest, "Missing node registration: there is no node '\(session.node)'")
        }
        if node.status.state == .down, session.checks.contains(SessionRequest.nodeHealth) {
            throw HTTPError(
                .badRequest, "Check '\(SessionRequest.nodeHealth)' is in critical state: node '\(session.node)' is down"
            )
        }
        return node.discoveryName
    }

    /// RFC 9562 section 5.4.
    static func uuid(_ random: [UInt8]) -> String {
        var bytes = random
        bytes[6] = bytes[6] & 0x0f | 0x40
        bytes[8] = bytes[8] & 0x3f | 0x80
        let hex = Array(Digest.hex(bytes))
        let parts = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(hex[$0]) }
        return parts.joined(separator: "-")
    }
}

extension DiscoveryCluster {
    /// Has the command replicated; the state's revision then, and what the command says.
    func propose(_ command: Command) async throws -> (revision: UInt64, output: [UInt8]) {
        switch try CommandResult(decoding: try await proposer.propose(command.encoded)) {
        case .applied(let revision, let output): return (revision, output)
        case .conflict(let conflict): throw StoreError(conflict)
        }
    }
}
