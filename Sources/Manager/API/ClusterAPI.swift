public import HTTP
internal import Model
public import Platform
public import Store

/// The Engine API's routes over the cluster's state; served by the leader.
public struct ClusterAPI: Sendable {
    let store: Store
    let proposer: any Proposer
    let operations: any ClusterOperations
    let now: @Sendable () -> Timestamp

    public init(
        store: Store, proposer: any Proposer, operations: any ClusterOperations,
        now: @escaping @Sendable () -> Timestamp = { WallClock.now() }
    ) {
        self.store = store
        self.proposer = proposer
        self.operations = operations
        self.now = now
    }

    /// All routes, with and without a version in front.
    public func router() -> Router {
        var router = Router(prefixes: ["", "/v{version}"])
        ServiceRoutes(api: self).register(in: &router)
        TaskRoutes(api: self).register(in: &router)
        NodeRoutes(api: self).register(in: &router)
        NetworkRoutes(api: self).register(in: &router)
        ClusterRoutes(api: self).register(in: &router)
        ClientCertificateRoutes(api: self).register(in: &router)
        FileRoutes<SecretKind>(api: self).register(in: &router)
        FileRoutes<ConfigKind>(api: self).register(in: &router)
        TokenRoutes(api: self).register(in: &router)
        AbsentRoutes().register(in: &router)
        return router
    }

    var snapshot: Snapshot { store.snapshot }

    /// The state as the caller of a request sees it.
    func view(for request: HTTPRequest) throws -> AccessView { try AccessView(store.snapshot, for: request) }

    /// Writes, and puts into words what keeps them from being written.
    @discardableResult
    func update<Value>(_ body: (inout Transaction) throws -> Value) async throws -> Value {
        do {
            return try await store.update(through: proposer, at: now(), body).value
        } catch let error as StoreError {
            throw Self.describe(error)
        }
    }

    private static func describe(_ error: StoreError) -> HTTPError {
        guard error.code == .conflict, let conflict = error.conflict else {
            return HTTPError(.internalServerError, error.description)
        }
        if conflict.reason == .nameTaken, let name = conflict.name {
            return HTTPError(
                .conflict,
                "rpc error: code = AlreadyExists desc = name conflicts with an existing object: \(conflict.table) \(name) "
                    + "already exists")
        }
        return HTTPError(.internalServerError, "rpc error: code = Unknown desc = update out of sequence")
    }

    /// The body as JSON of which nothing is lost: what this version has no word for is refused, not forgotten.
    ///
    /// - Parameter besides: members of the whole that may be ignored.
    /// - Throws: `HTTPError` 400 for what is not such JSON, 413 for too much of it, 501 that names what is not supported.
    nonisolated(nonsending) func decode<Value: Codable>(
        _ type: Value.Type, _ request: HTTPRequest, besides: Set<String> = []
    ) async throws -> Value {
        let bytes = try await request.body.collect(upTo: HTTPJSON.defaultLimit)
        let value = try HTTPJSON.decode(type, from: bytes)
        let given = try HTTPJSON.decode(JSONTree.self, from: bytes)
        let kept = try HTTPJSON.decode(JSONTree.self, from: HTTPJSON.encode(value))
        if let lost = given.firstLost(in: kept, besides: besides) { throw ServiceValidation.unsupported(lost) }
        return value
    }

    /// The version that a write says it saw.
    func seenVersion(_ request: HTTPRequest) throws -> UInt64 {
        guard let text = request.query["version"], let version = UInt64(text) else {
            throw HTTPError(.badRequest, "invalid version: the query must say version=N, the object's Version.Index")
        }
        return version
    }

    func check(_ object: some ClusterObject, isAt seen: UInt64) throws {
        guard object.version.index == seen else {
            throw HTTPError(.internalServerError, "rpc error: code = Unknown desc = update out of sequence")
        }
    }
}
