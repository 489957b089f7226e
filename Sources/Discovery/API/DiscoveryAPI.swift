public import HTTP
internal import Platform
internal import Store

/// The Consul HTTP API over the replicated state.
public struct DiscoveryAPI: Sendable {
    private let cluster: any DiscoveryCluster

    public init(cluster: any DiscoveryCluster) { self.cluster = cluster }

    /// Whether the path is one of this API's.
    public static func serves(_ path: String) -> Bool { path.utf8.starts(with: "/v1/".utf8) }

    /// The longest body of a transaction.
    public static let transactionBytes = TransactionRequest.Limits.bodyBytes

    /// What the body of `PUT /v1/txn` would write, as `VERB KEY`, in order; nothing of what is no transaction.
    public static func writes(ofTransaction body: [UInt8]) -> [String] {
        let operations = (try? TransactionRequest(parsing: body))?.operations ?? []
        return operations.filter { !$0.verb.isRead }.map { operation in
            "\(operation.verb.text) \(String(decoding: operation.key, as: UTF8.self))"
        }
    }

    /// The answer, an error's included: text, with Consul's headers.
    public nonisolated(nonsending) func respond(to request: HTTPRequest) async -> HTTPResponse {
        do {
            return try await answer(request)
        } catch {
            return Self.failure(error, knowsLeader: cluster.knowsLeader)
        }
    }

    /// An error as Consul answers it.
    public static func failure(_ error: any Error, knowsLeader: Bool) -> HTTPResponse {
        let error = HTTPError(describing: error)
        var headers = headers(index: 1, knowsLeader: knowsLeader)
        headers.add(error.headers)
        headers.add("Content-Type", "text/plain; charset=utf-8")
        return HTTPResponse(error.status, headers: headers, body: HTTPBody(error.message))
    }

    private nonisolated(nonsending) func answer(_ request: HTTPRequest) async throws -> HTTPResponse {
        let path = request.path
        if path.utf8.starts(with: "/v1/kv/".utf8) || path == "/v1/kv" {
            let key = try PercentCoding.decode(String(path.dropFirst("/v1/kv/".count)))
            let routes = KeyValueRoutes(cluster: cluster)
            switch request.method {
            case .get where request.query.contains("watch"): return try watch(key, request.query)
            case .get, .head: return try await read(try KeyValueRoutes.read(key, request.query), request)
            case .put: return try await onLeader(request) { try await routes.put(key, request) }
            case .delete: return try await onLeader(request) { try await routes.delete(key, request) }
            default: throw Self.methodNotAllowed(request, "DELETE, GET, PUT")
            }
        }
        if path.utf8.starts(with: "/v1/session/".utf8) {
            return try await session(String(path.dropFirst("/v1/session/".count)), request)
        }
        switch path {
        case "/v1/operator/kv/compact":
            guard request.method == .put else { throw Self.methodNotAllowed(request, "PUT") }
            return try await onLeader(request) { try await WatchRoutes(cluster: cluster).compact(request.query) }
        case "/v1/txn": return try await transaction(request)
        case LeaderRevision.path:
            // Between managers.
            let options = try ReadOptions(request.query)
            return try await onLeader(request) {
                try await confirm(options)
                let revision = cluster.store.revision
                return DiscoveryAnswer(index: revision, body: Array("\(revision)".utf8))
            }
        case "/v1/status/leader", "/v1/status/peers":
            guard request.method == .get || request.method == .head else {
                throw Self.methodNotAllowed(request, "GET")
            }
            return status(path == "/v1/status/leader")
        default: throw Self.unknownPath
        }
    }

    private func watch(_ key: String, _ query: HTTPQuery) throws -> HTTPResponse {
        let topic = try KeyValueRoutes.topic(key, query)
        let headers = Self.headers(
            index: cluster.store.revision, knowsLeader: cluster.knowsLeader, lastContact: cluster.lastContact)
        return try WatchRoutes(cluster: cluster).watch(topic, query, headers: headers)
    }

    private nonisolated(nonsending) func transaction(_ request: HTTPRequest) async throws -> HTTPResponse {
        guard request.method == .put else { throw Self.methodNotAllowed(request, "PUT") }
        let options = try ReadOptions(request.query)
        let (body, transaction) = try await TransactionRoutes.request(request)
        var onward = request
        onward.body = HTTPBody(body)
        guard transaction.isReadOnly else {
            return try await onLeader(onward) { try await TransactionRoutes(cluster: cluster).run(transaction) }
        }
        return try await readNow(options) { try TransactionRoutes.read(transaction, from: $0) }
    }

    /// As far as this member knows; it needs no leader.
    private func status(_ isAboutLeader: Bool) -> HTTPResponse {
        let leader = cluster.leaderAddress ?? ""
        let peers = cluster.peerAddresses.map(JSONText.quoted).joined(separator: ",")
        let text = isAboutLeader ? JSONText.quoted(leader) : "[\(peers)]"
        return response(DiscoveryAnswer(index: cluster.store.revision, body: Array(text.utf8)))
    }

    private nonisolated(nonsending) func session(_ rest: String, _ request: HTTPRequest) async throws -> HTTPResponse {
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let verb = rest[..<slash]
        let name = try PercentCoding.decode(String(rest[slash...].dropFirst()))
        let routes = SessionRoutes(cluster: cluster)
        switch verb {
        case "list", "info", "node":
            guard request.method == .get || request.method == .head else {
                throw Self.methodNotAllowed(request, "GET")
            }
            let what: DiscoveryRead =
                verb == "list" ? .sessions : verb == "info" ? .session(name) : .sessionsOnNode(name)
            guard verb == "list" || !name.isEmpty else {
                throw HTTPError(.badRequest, "Missing \(verb == "info" ? "session" : "node name")")
            }
            return try await read(what, request)
        case "create", "destroy", "renew":
            guard request.method == .put else { throw Self.methodNotAllowed(request, "PUT") }
            if verb == "create" {
                let (completed, session) = try await SessionRoutes.completed(request, node: cluster.nodeName)
                return try await onLeader(completed) { try await routes.create(session) }
            }
            guard !name.isEmpty else { throw HTTPError(.badRequest, "Missing session") }
            return try await onLeader(request) {
                verb == "renew" ? try await routes.renew(name) : try await routes.destroy(name)
            }
        default: throw Self.unknownPath
        }
    }

    private static let unknownPath = HTTPError(
        .notFound, "Invalid URL path: not a recognized HTTP API endpoint")

    private static func methodNotAllowed(_ request: HTTPRequest, _ allowed: String) -> HTTPError {
        HTTPError(.methodNotAllowed, "method \(request.method) is not allowed here", headers: ["Allow": allowed])
    }

    // MARK: Who answers

    private nonisolated(nonsending) func onLeader(
        _ request: HTTPRequest, _ body: nonisolated(nonsending) () async throws -> DiscoveryAnswer
    ) async throws -> HTTPResponse {
        guard cluster.isLeading else { return try await cluster.forward(request) }
        return response(try await body())
    }

    private nonisolated(nonsending) func read(
        _ read: DiscoveryRead, _ request: HTTPRequest
    ) async throws -> HTTPResponse {
        let options = try ReadOptions(request.query)
        if let index = options.index {
            try await freshen(options)
            if let answer = try await cluster.watches.answer(to: read, after: index, within: options.waitWithJitter) {
                return response(answer, options)
            }
        }
        return try await readNow(options) { read.answer(from: $0) }
    }

    /// Answers without waiting for a change.
    private nonisolated(nonsending) func readNow(
        _ options: ReadOptions, _ answer: (Snapshot) throws -> DiscoveryAnswer
    ) async throws -> HTTPResponse {
        try await freshen(options)
        return response(try answer(cluster.store.snapshot), options)
    }

    /// Sees to it that this member's state shows what was acknowledged before the call, as far as that is wanted.
    private nonisolated(nonsending) func freshen(_ options: ReadOptions) async throws {
        if options.consistency == .stale { return }
        if cluster.isLeading {
            do { return try await confirm(options) } catch  where !cluster.isLeading {
                // Another leads by now, which it has only learnt: that one is asked.
            }
        }
        let isConsistent = options.consistency == .consistent
        let questions = isConsistent ? cluster.watches.consistentQuestions : cluster.watches.questions
        try await questions.ask { [cluster] in
            try await LeaderRevision(cluster: cluster).reach(isConsistent: isConsistent)
        }
    }

    /// On the leader: that it still is one, by its lease or by a majority's word.
    private nonisolated(nonsending) func confirm(_ options: ReadOptions) async throws {
        if options.consistency != .consistent, cluster.holdsLease { return Self.readsByLease.increment() }
        Self.readsByQuorum.increment()
        // One round for all who ask meanwhile: each is answered by one that began after it came.
        try await cluster.watches.confirmations.ask { [cluster] in try await cluster.confirmLeadership() }
    }

    private static let readsByLease = Metrics.shared.counter(
        "martlet_discovery_reads_by_lease_total", "Reads that this manager answered as the leader, by its lease.")
    private static let readsByQuorum = Metrics.shared.counter(
        "martlet_discovery_reads_by_quorum_total",
        "Reads that this manager answered as the leader, once a majority had confirmed that it is.")

    private func response(_ answer: DiscoveryAnswer, _ options: ReadOptions? = nil) -> HTTPResponse {
        var headers = Self.headers(
            index: answer.index, knowsLeader: cluster.knowsLeader,
            lastContact: options?.consistency == .stale ? cluster.lastContact : .zero)
        if !answer.body.isEmpty { headers.add("Content-Type", answer.contentType) }
        return HTTPResponse(answer.status, headers: headers, body: HTTPBody(answer.body))
    }

    private static func headers(index: UInt64, knowsLeader: Bool, lastContact: Duration = .zero) -> HTTPHeaders {
        let (seconds, attoseconds) = lastContact.components
        let milliseconds = max(0, seconds * 1_000 + attoseconds / 1_000_000_000_000_000)
        return [
            "X-Consul-Index": "\(max(1, index))", "X-Consul-LastContact": "\(milliseconds)",
            "X-Consul-KnownLeader": knowsLeader ? "true" : "false",
        ]
    }
}
