public import HTTP
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
            let isLocal = request.method == .get && request.query.contains("stale")
            guard cluster.isLeading || isLocal else {
                return try await cluster.forward(request)
            }
            if request.query.contains("consistent") { try await cluster.confirmLeadership() }
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
            let answer =
                switch request.method {
                case .get, .head: try routes.get(key, request)
                case .put: try await routes.put(key, request)
                case .delete: try await routes.delete(key, request)
                default:
                    throw HTTPError(
                        .methodNotAllowed, "method \(request.method) is not allowed here",
                        headers: ["Allow": "DELETE, GET, PUT"])
                }
            return response(answer)
        }
        throw HTTPError(.notFound, "Invalid URL path: not a recognized HTTP API endpoint")
    }

    private func response(_ answer: DiscoveryAnswer) -> HTTPResponse {
        var headers = Self.headers(index: answer.index, knowsLeader: cluster.knowsLeader)
        if !answer.body.isEmpty { headers.add("Content-Type", answer.contentType) }
        return HTTPResponse(answer.status, headers: headers, body: HTTPBody(answer.body))
    }

    private static func headers(index: UInt64, knowsLeader: Bool) -> HTTPHeaders {
        [
            "X-Consul-Index": "\(max(1, index))", "X-Consul-LastContact": "0",
            "X-Consul-KnownLeader": knowsLeader ? "true" : "false",
        ]
    }
}

/// What a route answers, before the headers that all answers have.
struct DiscoveryAnswer {
    var status = HTTPStatus.ok
    /// Of what was read, deletions included.
    var index: UInt64 = 1
    var contentType = "application/json"
    var body: [UInt8] = []
}
