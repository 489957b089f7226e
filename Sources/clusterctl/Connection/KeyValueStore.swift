import FoundationEssentials
import HTTP

/// The key-value store as the commands call it: Consul's HTTP API, which the daemon serves beside the Engine API.
struct KeyValueStore: Sendable {
    let engine: Engine

    /// One key with its value.
    struct Entry: Sendable {
        let key: String
        let value: [UInt8]
        /// The revision of its last change, which `--cas` names.
        let modify: Int64
        let lock: Int64
        /// The session that holds it; nil where none does.
        let session: String?
        /// All that came.
        let raw: JSONValue

        /// Nil where it is no entry.
        init?(_ raw: JSONValue) {
            guard let key = raw["Key"]?.text else { return nil }
            let value = raw["Value"]?.text.flatMap { Data(base64Encoded: $0) } ?? Data()
            self.key = key
            self.value = [UInt8](value)
            modify = raw["ModifyIndex"]?.integer ?? 0
            lock = raw["LockIndex"]?.integer ?? 0
            session = raw["Session"]?.text
            self.raw = raw
        }
    }

    /// The options of reads: who answers.
    static let consistency: [Syntax.Option] = [
        .flag("stale", "what the daemon that is asked knows, without asking the leader"),
        .flag("consistent", "what a majority confirms at this moment"),
    ]

    static func consistency(_ arguments: Arguments) throws(UsageError) -> [(String, String?)] {
        let modes = ["stale", "consistent"].filter(arguments.flag)
        guard modes.count <= 1 else { throw arguments.usage("--stale and --consistent exclude each other") }
        return modes.map { ($0, nil) }
    }

    /// - Throws: `EngineError` 404 where there is none.
    func entries(_ key: String, _ query: [(String, String?)]) async throws -> [Entry] {
        try await fetch([JSONValue].self, .get, key, query).compactMap(Entry.init)
    }

    /// Names only; empty where there are none.
    func keys(_ prefix: String, _ query: [(String, String?)]) async throws -> [String] {
        do {
            return try await fetch([String].self, .get, prefix, [("keys", nil)] + query)
        } catch let error as EngineError where error.isNotFound {
            return []
        }
    }

    /// - Returns: false where the condition did not hold.
    func change(
        _ method: HTTPMethod, _ key: String, _ query: [(String, String?)], body: HTTPBody = .empty
    ) async throws -> Bool {
        let response = try await engine.open(method, ["kv", key], query: query, body: body, api: Self.api)
        return try await response.decode(Bool.self)
    }

    /// Follows changes until the daemon ends it; each line is one JSON object.
    func watch(_ key: String, _ query: [(String, String?)]) async throws -> HTTPResponse {
        try await engine.open(.get, ["kv", key], query: [("watch", nil)] + query, api: Self.api)
    }

    static let api = "v1"

    private func fetch<T: Decodable>(
        _ type: T.Type, _ method: HTTPMethod, _ key: String, _ query: [(String, String?)]
    ) async throws -> T {
        let response = try await engine.open(method, ["kv", key], query: query, api: Self.api)
        return try await response.decode(type)
    }
}
