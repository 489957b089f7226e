import Testing

@testable import HTTP

@Suite struct RouterTests {
    static let router: Router = {
        var router = Router(prefixes: ["", "/v{version}"])
        func answer(_ name: String) -> HTTPHandler {
            { request in
                let captures = request.captures.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
                return .text(name + captures.joined())
            }
        }
        router.get("/services", answer("list"))
        router.get("/services/{id}", answer("one"))
        router.delete("/services/{id}", answer("remove"))
        router.post("/services/create", answer("create"))
        router.post("/services/{id}/update", answer("update"))
        router.get("/images/json", answer("images"))
        router.get("/images/{name...}/json", answer("image"))
        router.get("/images/{name...}/history", answer("history"))
        router.get("/images/{name...}", answer("bare"))
        router.delete("/images/{name...}", answer("untag"))
        router.get("/v1/kv/{key...}", answer("kv"))
        router.head("/containers/{id}/archive", answer("stat"))
        router.get("/containers/{id}/archive", answer("archive"))
        router.get("/", answer("root"))
        return router
    }()

    private func ask(_ method: HTTPMethod, _ target: String) async throws -> String {
        let response = try await Self.router.respond(to: HTTPRequest(method, target))
        return String(decoding: try await response.body.collect(upTo: 1000), as: UTF8.self)
    }

    @Test(arguments: [
        ("GET /services", "list"), ("GET /v1.41/services?x=1", "list version=1.41"),
        ("GET /services/abc", "one id=abc"), ("HEAD /services/abc", "one id=abc"),
        ("GET /services/a%2Fb%20c", "one id=a/b c"), ("DELETE /v1.24/services/x", "remove id=x version=1.24"),
        ("POST /services/create", "create"), ("GET /services/create", "one id=create"),
        ("POST /services/x/update?version=3", "update id=x"), ("GET /images/json", "images"),
        ("GET /images/bb:1/json", "image name=bb:1"),
        ("GET /v1.41/images/docker.io/library/bb:1/json", "image name=docker.io/library/bb:1 version=1.41"),
        ("GET /images/a/b/history", "history name=a/b"), ("DELETE /images/a/json", "untag name=a/json"),
        ("GET /images/a/b", "bare name=a/b"), ("GET /images/x%2Fy/json", "image name=x/y"),
        ("GET /v1/kv/a/b/", "kv key=a/b/"), ("GET /v1/kv/", "kv key="), ("GET /v1/kv//a", "kv key=/a"),
        ("HEAD /containers/x/archive", "stat id=x"), ("GET /containers/x/archive", "archive id=x"), ("GET /", "root"),
    ])
    func routes(_ request: String, _ answer: String) async throws {
        let parts = request.split(separator: " ")
        #expect(try await ask(HTTPMethod(String(parts[0])), String(parts[1])) == answer)
    }

    @Test(arguments: [
        ("GET /nothing", 404, ""), ("GET /services/", 404, ""), ("GET /services/a/b", 404, ""),
        ("GET /v/info", 404, ""),
        ("PUT /services", 405, "GET, HEAD"), ("PUT /services/x", 405, "DELETE, GET, HEAD"),
        ("PATCH /services/create", 405, "DELETE, GET, HEAD, POST"), ("GET /services/%zz", 400, ""),
        ("GET /services/x/update", 405, "POST"),
    ])
    func refusals(_ request: String, _ status: Int, _ allow: String) async throws {
        let parts = request.split(separator: " ")
        let error = await #expect(throws: HTTPError.self) {
            try await ask(HTTPMethod(String(parts[0])), String(parts[1]))
        }
        #expect(error?.status.code == status)
        #expect(error?.headers["Allow"] ?? "" == allow)
    }

    @Test func theRouteIsNamedForMetrics() async throws {
        let response = try await Self.router.respond(to: HTTPRequest(.get, "/v1.41/services/x"))
        #expect(response.route == "/v{version}/services/{id}")
    }

    @Test func veryDeepPathsAreNotFound() async {
        await #expect(throws: HTTPError.self) { try await ask(.get, String(repeating: "/a", count: 5000)) }
    }
}
