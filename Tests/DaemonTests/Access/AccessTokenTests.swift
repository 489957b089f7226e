import HTTP
import Model
import Platform
import Store
import TestSupport
import Testing

@testable import Daemon

@Suite(.timeLimit(.minutes(1))) struct AccessTokenTests {
    private static let start = Timestamp(seconds: 1_800_000_000)

    private func known(_ tokens: AccessToken...) -> AccessTokens {
        AccessTokens(tokens: Dictionary(tokens.map { ($0.id, $0) }) { first, _ in first }, now: Self.start)
    }

    private func token(_ name: String, _ rules: [AccessPolicy.Rule], expiresAt: Timestamp? = nil) -> AccessToken {
        AccessToken(
            id: "id\(name)", createdAt: Self.start, name: name, hash: AccessToken.hash(of: "secret\(name)"),
            policy: AccessPolicy(rules: rules), expiresAt: expiresAt)
    }

    private func word(_ name: String) -> String { AccessToken.word(id: "id\(name)", secret: "secret\(name)") }

    private func request(_ method: HTTPMethod, _ target: String, _ headers: HTTPHeaders = HTTPHeaders()) -> HTTPRequest
    {
        var request = HTTPRequest(method, target, headers: headers)
        request.peer = HTTPPeer(entrance: .secured(nil))
        return request
    }

    @Test func aTokenIsKnownByItsDigestAlone() async throws {
        let tokens = known(token("ci", []), token("old", [], expiresAt: Self.start))
        #expect(try tokens.find(word("ci")).tokenName == "ci")
        let wrong = [
            "", "mt-", "mt-idci", "mt-idci-", "mt--secretci", "mt-idci-wrong", "mt-idold-secretci",
            "mt-idci-secretci-x",
            word("ci") + "x", "idci-secretci", "MT-idci-secretci", word("old"), String(repeating: "x", count: 100_000),
            "mt-idci-" + AccessToken.hash(of: "secretci"), "mt-\u{0}-\u{0}",
        ]
        for word in wrong {
            let error = #expect(throws: HTTPError.self) { try tokens.find(word) }
            #expect(error?.status == .forbidden && error?.message.contains("idci") == false)
        }
        let encoded = String(decoding: try HTTPJSON.encode(token("ci", [])), as: UTF8.self)
        #expect(!encoded.contains("secretci"))
        // One who shows nothing has nothing to prove, and cannot be shown.
        let anonymous = AccessToken(
            id: "x", createdAt: Self.start, name: "anonymous", hash: "", policy: AccessPolicy(rules: []))
        #expect(!anonymous.isProved(by: "", now: Self.start))
    }

    @Test func whereATokenIsShown() {
        #expect(AccessTokens.word(of: request(.get, "/info", ["Authorization": "Bearer abc"])) == "abc")
        #expect(AccessTokens.word(of: request(.get, "/v1/kv/a", ["authorization": "bearer abc"])) == "abc")
        #expect(AccessTokens.word(of: request(.get, "/v1/kv/a", ["X-Consul-Token": "abc"])) == "abc")
        #expect(AccessTokens.word(of: request(.get, "/v1/kv/a?token=abc")) == "abc")
        #expect(AccessTokens.word(of: request(.get, "/v1.41/info?token=abc", ["X-Consul-Token": "abc"])) == nil)
        #expect(AccessTokens.word(of: request(.get, "/info", ["Authorization": "Basic abc"])) == nil)
    }

    static let needs: [(HTTPMethod, String, AccessPolicy.Access?, AccessPolicy.Kind)] = [
        (.get, "/_ping", nil, .any), (.get, "/v1.41/version", nil, .any), (.get, "/v1/status/leader", nil, .any),
        (.get, "/v1.41/services", .read, .service), (.post, "/services/create", .write, .service),
        (.get, "/tasks/x/logs", .read, .task), (.delete, "/v1.41/nodes/x", .admin, .node),
        (.get, "/secrets", .read, .secret), (.post, "/secrets/create", .write, .secret),
        (.get, "/configs", .read, .config),
        (.get, "/containers/json", .read, .container), (.get, "/containers/x/archive", .write, .container),
        (.get, "/containers/x/attach/ws", .write, .container), (.get, "/exec/x/json", .write, .container),
        (.get, "/swarm", .admin, .cluster), (.post, "/swarm/leave", .admin, .cluster),
        (.get, "/tokens", .admin, .cluster),
        (.post, "/tokens/create", .admin, .cluster), (.get, "/info", nil, .any),
        (.post, "/info", .admin, .cluster), (.get, "/events", .read, .cluster),
        (.get, "/anything", .admin, .cluster),
        (.get, "/%73ecrets", .admin, .cluster), (.get, "//services", .admin, .cluster), (.get, "/", .admin, .cluster),
        (.get, "/v1/kv/app/a", .read, .key), (.put, "/v1/kv/app/a", .write, .key),
        (.delete, "/v1/kv/app/a", .write, .key),
        (.put, "/v1/txn", .write, .key), (.put, "/v1/operator/kv/compact", .admin, .key),
        (.get, "/v1/session/list", .read, .session), (.put, "/v1/session/create", .write, .session),
        (.get, "/v1/session/create", .write, .session), (.get, "/v1/agent/self", .admin, .cluster),
        (.put, "/v1/status/leader", .admin, .cluster),
    ]

    @Test(arguments: needs)
    func whatACallNeeds(
        method: HTTPMethod, path: String, access: AccessPolicy.Access?, kind: AccessPolicy.Kind
    ) {
        let need = AccessNeed(request(method, path))
        #expect(need?.access == access)
        if access != nil { #expect(need?.kind == kind) }
    }

    @Test func aPrefixIsOfBytesOfTheKeyItself() throws {
        let policy = AccessPolicy(rules: [.init(kind: .key, access: .write, prefix: "app/é")])
        let caller = Caller(token("ci", policy.rules))
        for (method, path) in [(HTTPMethod.put, "/v1/kv/app/%C3%A9"), (.get, "/v1/kv/app%2F%C3%A9x?recurse")] {
            #expect(throws: Never.self) { try caller.check(request(method, path)) }
        }
        let other: [(HTTPMethod, String)] = [
            (.put, "/v1/kv/app/e%CC%81"), (.put, "/v1/kv/app/"), (.get, "/v1/kv/?recurse"), (.get, "/v1/kv"),
            (.put, "/v1/kv/App/%C3%A9"), (.put, "/v1/kv//app/%C3%A9"), (.put, "/v1/txn"), (.put, "/v1/kv/%zz"),
            (.put, "/v1/operator/kv/compact"), (.get, "/services"), (.get, "/v1/session/list"),
            (.post, "/tokens/create"),
        ]
        for (method, path) in other {
            let error = #expect(throws: HTTPError.self) { try caller.check(request(method, path)) }
            #expect(error?.status == .forbidden)
        }
    }

    @Test func accessHoldsWhatIsBelowIt() throws {
        let policy = AccessPolicy(rules: [.init(kind: .service, access: .write), .init(kind: .node, access: .read)])
        #expect(policy.allows(.read, .service) && policy.allows(.write, .service) && !policy.allows(.admin, .service))
        #expect(policy.allows(.read, .node) && !policy.allows(.write, .node) && !policy.allows(.read, .secret))
        let all = AccessPolicy(rules: [.init(kind: .any, access: .admin)])
        #expect(AccessPolicy.Kind.allCases.allSatisfy { all.allows(.admin, $0) })
        #expect(!AccessPolicy(rules: []).allows(.read, .key, key: "a"))
    }

    @Test func theDiscoveryPortAsksForNothingUntilItIsTold() async throws {
        let reading = AccessPolicy.Rule(kind: .key, access: .read, prefix: "public/")
        let writing = AccessPolicy.Rule(kind: .key, access: .write)
        var get = request(.get, "/v1/kv/public/a")
        let put = request(.put, "/v1/kv/public/a")
        let shown = request(.put, "/v1/kv/public/a", ["X-Consul-Token": word("app")])
        let none = known()
        #expect(try none.caller(onDiscoveryPort: put) == nil)
        let some = known(token("app", [writing]))
        #expect(try some.caller(onDiscoveryPort: put) == nil, "there is no anonymous yet")
        #expect(try some.caller(onDiscoveryPort: shown)?.identity == .token("app"))
        get.headers["X-Consul-Token"] = "mt-no-such"
        #expect(throws: HTTPError.self) { try some.caller(onDiscoveryPort: get) }
        let closed = known(token("app", [writing]), token("anonymous", [reading]))
        get.headers["X-Consul-Token"] = nil
        #expect(throws: Never.self) { try closed.caller(onDiscoveryPort: get)?.check(get) }
        #expect(throws: HTTPError.self) { try closed.caller(onDiscoveryPort: put)?.check(put) }
        #expect(throws: Never.self) { try closed.caller(onDiscoveryPort: shown)?.check(shown) }
    }

    @Test func aCertificateCountsMoreThanAToken() async throws {
        let tokens = known(token("ci", []))
        let bearer: HTTPHeaders = ["Authorization": "Bearer \(word("ci"))"]
        #expect(try Caller(request(.get, "/info", bearer)) { tokens }.identity == .token("ci"))
        #expect(throws: HTTPError.self) { try Caller(request(.get, "/info", bearer)) { nil } }
        #expect(throws: HTTPError.self) { try Caller(request(.get, "/info")) { tokens } }
        var local = request(.get, "/info", bearer)
        local.peer = HTTPPeer(entrance: .local(user: 0))
        #expect(try Caller(local) { tokens }.right == .all)
    }

    @Test func whatChangesIsKnown() async throws {
        let store = Store()
        let proposer = Applying(store)
        let known = KnownAccess(store)
        #expect(known.now().tokens.isEmpty)
        try await store.update(through: proposer, at: Self.start) { try $0.put(token("ci", [])) }
        try await eventually { known.now().tokens["idci"]?.tokenName == "ci" }
        #expect(KnownAccess(store).now().tokens.count == 1, "what was there before")
        try await store.update(through: proposer, at: Self.start) { $0.delete(AccessToken.self, "idci") }
        try await eventually { known.now().tokens.isEmpty }
    }

    @Test func labelsOpenTheCallsThatHeedThem() throws {
        let caller = Caller(token("ci", [.init(kind: .any, access: .write, labels: ["team=red"])]))
        let allowed: [(HTTPMethod, String)] = [
            (.get, "/v1.41/services"), (.post, "/services/create"), (.post, "/services/web/update"),
            (.get, "/services/web/logs"), (.get, "/tasks/x"), (.get, "/tasks/x/logs"), (.post, "/nodes/x/update"),
            (.get, "/info"),
            (.delete, "/networks/a"), (.get, "/secrets/a"), (.post, "/v1.41/configs/a/update"),
        ]
        for (method, path) in allowed { #expect(throws: Never.self) { try caller.check(request(method, path)) } }
        let other: [(HTTPMethod, String)] = [
            (.delete, "/nodes/x"), (.get, "/containers/json"), (.get, "/images/json"), (.get, "/v1/kv/a"),
            (.get, "/v1/catalog/services"), (.get, "/events"), (.get, "/tokens"), (.post, "/services/web/other"),
            (.post, "/networks/prune"), (.put, "/services"), (.get, "/services/web/logs/x"), (.get, "/services/"),
            (.get, "//services"), (.post, "/networks/a/connect"), (.get, "/services/%2e%2e/x"),
        ]
        for (method, path) in other {
            let error = #expect(throws: HTTPError.self) { try caller.check(request(method, path)) }
            #expect(error?.status == .forbidden, "\(method) \(path)")
        }
    }

    /// Who leads holds the caller to its labels: it hears from the manager that let the call in, and from nobody else, who that is.
    @Test func whoCallsIsSaidByManagersAlone() throws {
        let forged: HTTPHeaders = ["x-martlet-caller-TOKEN": "idother"]
        let ci = Caller(token("ci", [.init(kind: .service, access: .write)]))
        var call = request(.get, "/services", forged)
        #expect(try ci.admit(call).headers[AccessToken.callerField] == "idci")
        #expect(try ci.admit(request(.get, "/services")).headers[AccessToken.callerField] == "idci")
        call.peer = HTTPPeer(entrance: .local(user: 0))
        #expect(try Caller(call, { nil }).admit(call).headers[AccessToken.callerField] == nil)
        call.peer = HTTPPeer(nodeID: "n1", role: "manager")
        #expect(try Caller(call, { nil }).admit(call).headers[AccessToken.callerField] == "idother")
    }
}
