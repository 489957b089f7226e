import Foundation
import HTTP
import Model
import Platform
import Store
import TestSupport
import Testing

@testable import Manager

/// The API on a real server, over a founded cluster's state in memory.
struct TestAPI: Sendable {
    struct Answer: Sendable {
        let status: Int
        let bytes: [UInt8]

        var text: String { String(decoding: bytes, as: UTF8.self) }

        func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try HTTPJSON.decode(type, from: bytes) }

        /// One string member of the answer.
        func member(_ name: String) -> String? {
            ((try? JSONSerialization.jsonObject(with: Data(bytes))) as? [String: Any])?[name] as? String
        }
    }

    let cluster: TestCluster
    let client: HTTPClient

    static func run(_ body: (TestAPI) async throws -> Void) async throws {
        let directory = try TemporaryDirectory("api")
        let (loop, clientLoop) = (try EventLoop(name: "server"), try EventLoop(name: "client"))
        let cluster = try await TestCluster()
        let api = ClusterAPI(store: cluster.store, proposer: cluster.proposer, operations: cluster.members) { start }
        let server = HTTPServer(loop: loop, router: api.router())
        let address = try server.listen(on: .unix(directory.file("s")))
        let test = TestAPI(cluster: cluster, client: HTTPClient(address, loop: clientLoop))
        let result: Result<Void, any Error>
        do { result = .success(try await body(test)) } catch { result = .failure(error) }
        test.client.close()
        await server.shutdown(within: .milliseconds(100))
        loop.stop()
        clientLoop.stop()
        try result.get()
    }

    /// - Parameter token: the id of the token with which another manager let the call in; nil for who may do everything.
    func call(
        _ method: HTTPMethod, _ path: String, query: [(String, String?)] = [], _ body: String = "",
        as token: String? = nil
    ) async throws -> Answer {
        var request = HTTPRequest(method, path, query: query, body: HTTPBody(body))
        request.headers[AccessToken.callerField] = token
        let response = try await client.send(request)
        return Answer(status: response.status.code, bytes: try await response.body.collect(upTo: 16 << 20))
    }

    func get(_ path: String, query: [(String, String?)] = []) async throws -> Answer {
        try await call(.get, path, query: query)
    }

    /// What an object lists of its members named `name`, for a filter.
    func list(_ path: String, filters: String, _ name: String = "ID") async throws -> [String] {
        let answer = try await get(path, query: [("filters", filters)])
        try #require(answer.status == 200, "\(answer.text)")
        let objects = try JSONSerialization.jsonObject(with: Data(answer.bytes)) as? [[String: Any]] ?? []
        return objects.compactMap { $0[name] as? String }
    }

    static func service(_ name: String, container: String = "", task: String = "", more: String = "") -> String {
        """
        {"Name":"\(name)","TaskTemplate":{"ContainerSpec":{"Image":"bb:1"\(container)}\(task)}\(more)}
        """
    }

    /// Creates a service and returns its id.
    func create(_ name: String, more: String = "") async throws -> String {
        let answer = try await call(.post, "/services/create", Self.service(name, more: more))
        try #require(answer.status == 201, "\(answer.text)")
        return try #require(answer.member("ID"))
    }

    func version(ofService id: String) -> [(String, String?)] {
        [("version", "\(cluster.snapshot.get(Service.self, id)?.version.index ?? 0)")]
    }
}
