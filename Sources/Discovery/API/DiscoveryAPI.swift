public import HTTP
internal import Platform
internal import Store

/// The Consul HTTP API over the replicated state.
public struct DiscoveryAPI: Sendable {
    private let cluster: any DiscoveryCluster

    public init(cluster: any DiscoveryCluster) { self.cluster = cluster }

    /// Whether the path is one of this API's.
    public static func serves(_ path: String) -> Bool { path.utf8.starts(with: "/v1/".utf8) }

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
        case "/v1/txn": return try await transaction(request)
        case "/v1/status/leader", "/v1/status/peers":
            guard request.method == .get || request.method == .head else {
                throw Self.methodNotAllowed(request, "GET")
            }
            return status(path == "/v1/status/leader")
        default: throw Self.unknownPath
        }
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
        return try await readNow(options, onward) { try TransactionRoutes.read(transaction, from: $0) }
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
        func now() async throws -> HTTPResponse {
            try await readNow(options, request) { read.answer(from: $0) }
        }
        guard let index = options.index else { return try await now() }
        // Where another member leads, its word at the beginning counts; the waiting is done here. What this member applies
        // beyond that index came after it, so that an answer from its own state is no older than the question.
        if options.consistency != .stale, !cluster.isLeading {
            let answer = try await now()
            guard answer.status.isSuccess || answer.status == .notFound else { return answer }
            if let found = answer.headers["X-Consul-Index"].flatMap({ UInt64($0) }), found > index { return answer }
        } else if options.consistency == .consistent {
            try await cluster.confirmLeadership()
        }
        if let answer = try await cluster.watches.answer(to: read, after: index, within: options.waitWithJitter) {
            return response(answer)
        }
        return try await now()
    }

    /// Answers without waiting for a change.
    private nonisolated(nonsending) func readNow(
        _ options: ReadOptions, _ request: HTTPRequest, _ answer: (Snapshot) throws -> DiscoveryAnswer
    ) async throws -> HTTPResponse {
        if options.consistency != .stale {
            guard cluster.isLeading else { return try await cluster.forward(Self.withoutWaiting(request)) }
            if options.consistency == .consistent { try await cluster.confirmLeadership() }
        }
        return response(try answer(cluster.store.snapshot))
    }

    private static func withoutWaiting(_ request: HTTPRequest) -> HTTPRequest {
        guard request.query.contains("index") else { return request }
        let query = request.query.items.filter { $0.name != "index" && $0.name != "wait" }
        var plain = HTTPRequest(
            request.method, request.path, query: query.map { ($0.name, $0.value) }, headers: request.headers,
            body: request.body)
        plain.peer = request.peer
        return plain
    }

    private func response(_ answer: DiscoveryAnswer) -> HTTPResponse {
        var headers = Self.headers(
            index: answer.index, knowsLeader: cluster.knowsLeader, lastContact: cluster.lastContact)
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
