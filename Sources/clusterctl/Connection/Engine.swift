import FoundationEssentials
import Glibc
import HTTP
import Model
import Platform

/// The daemon's Engine API, as the commands call it.
struct Engine: Sendable {
    /// Bytes of an answer that is held as a whole.
    static let answerLimit = 64 << 20

    let endpoint: Endpoint
    private let isSecured: Bool
    /// Shown to daemons over TLS alone.
    private let token: String?
    private let transport: @Sendable (HTTPRequest) async throws -> HTTPResponse

    init(
        endpoint: Endpoint, isSecured: Bool = false, token: String? = nil,
        transport: @escaping @Sendable (HTTPRequest) async throws -> HTTPResponse
    ) {
        self.endpoint = endpoint
        self.isSecured = isSecured
        self.token = token.flatMap { $0.isEmpty ? nil : $0 }
        self.transport = transport
    }

    /// Sends a request and returns its answer while that still comes in.
    ///
    /// - Parameters:
    ///   - path: its segments, encoded here; slashes in them stand, as those of images and keys.
    ///   - api: what the path begins with, another API's where it is not the Engine's.
    ///   - accepting: statuses from 400 up that are no errors here.
    /// - Throws: `EngineError` for an answer that is an error, `Failure` where the daemon is not reached.
    func open(
        _ method: HTTPMethod, _ path: [String], query: [(String, String?)] = [], headers: HTTPHeaders = HTTPHeaders(),
        body: HTTPBody = .empty, api: String = "v\(EngineAPI.newest)", accepting: [Int] = []
    ) async throws -> HTTPResponse {
        let target = "/\(api)/" + path.map(PercentCoding.encodePath).joined(separator: "/")
        var headers = headers
        headers["User-Agent"] = "clusterctl/\(EngineAPI.product)"
        if let token { headers["Authorization"] = "Bearer \(token)" }
        let response: HTTPResponse
        do {
            response = try await transport(HTTPRequest(method, target, query: query, headers: headers, body: body))
        } catch {
            throw unreachable(error)
        }
        guard response.status.code >= 400, !accepting.contains(response.status.code) else { return response }
        let bytes = (try? await response.body.collect(upTo: 1 << 20)) ?? []
        throw EngineError(status: response.status.code, message: Self.message(in: bytes) ?? "\(response.status)")
    }

    /// Sends a request with JSON or nothing in it; returns the whole answer.
    @discardableResult
    func call(
        _ method: HTTPMethod, _ path: [String], query: [(String, String?)] = [], json: (any Encodable & Sendable)? = nil
    ) async throws -> [UInt8] {
        var headers = HTTPHeaders()
        var body = HTTPBody.empty
        if let json {
            headers["Content-Type"] = "application/json"
            body = HTTPBody(try HTTPJSON.encode(json))
        }
        let response = try await open(method, path, query: query, headers: headers, body: body)
        do {
            return try await response.body.collect(upTo: Self.answerLimit)
        } catch {
            throw unreachable(error)
        }
    }

    /// Gets an object, or whatever the answer to a call is.
    func fetch<T: Decodable>(
        _ type: T.Type, _ path: [String], query: [(String, String?)] = [], method: HTTPMethod = .get,
        json: (any Encodable & Sendable)? = nil
    ) async throws -> T {
        let bytes = try await call(method, path, query: query, json: json)
        do {
            return try HTTPJSON.decode(type, from: bytes)
        } catch {
            throw Failure(
                "the daemon's answer to /\(path.joined(separator: "/")) is not understood: \(error.message)",
                hint: "Is the other side a Martlet daemon of this version? See 'clusterctl version'.")
        }
    }

    /// A `filters` parameter: `{"service":{"web":true}}`.
    static func filters(_ filters: KeyValuePairs<String, [String]>) -> (String, String?) {
        let object = filters.map { name, values in
            let members = values.map { JSONText.quoted($0) + ":true" }.joined(separator: ",")
            return "\(JSONText.quoted(name)):{\(members)}"
        }
        return ("filters", "{\(object.joined(separator: ","))}")
    }

    private static func message(in bytes: [UInt8]) -> String? {
        if let message = try? HTTPJSON.decode(JSONValue.self, from: bytes)["message"]?.text { return message }
        let text = String(decoding: bytes.prefix(4096), as: UTF8.self)
        return text.isEmpty ? nil : Terminal.harmless(text)
    }

    private func unreachable(_ error: any Error) -> Failure {
        var cause = error
        while let http = cause as? HTTPError, let inner = http.cause { cause = inner }
        if let tls = cause as? TLSError { return Advice.failure(for: tls, at: endpoint) }
        guard let system = cause as? SystemError else {
            let hint =
                endpoint.isRemote && !isSecured
                ? "A clusterd speaks TLS on TCP: give --tls DIR. On a manager, 'clusterctl manager client-certificate NAME' "
                    + "makes such a folder." : "Is clusterd listening there? Its log says."
            return Failure("\(endpoint): \(error)", hint: hint, exitStatus: Failure.Exit.unreachable)
        }
        let hint: String
        switch system.errno {
        case EACCES, EPERM:
            hint = "Only root and the group martlet may talk to the daemon: try sudo, or join the group."
        case ECONNREFUSED where endpoint.isRemote:
            hint =
                "A clusterd serves its API on TCP only where it is told to: 'clusterd --host unix:///run/clusterd/clusterd.sock "
                + "--host tcp://IP:PORT'."
        case ENOENT, ECONNREFUSED:
            hint =
                "Is the daemon running here? Start it: 'sudo clusterd', or 'sudo systemctl start clusterd'.\n"
                + "Another one is named by --host or $CLUSTER_HOST: unix://PATH or tcp://IP:PORT."
        default: hint = "Does that host answer, and does its clusterd listen there (--host tcp://IP:PORT)?"
        }
        return Failure(
            "no daemon reached at \(endpoint): \(system.reason)", hint: hint, exitStatus: Failure.Exit.unreachable)
    }
}
