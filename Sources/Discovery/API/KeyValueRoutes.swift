import HTTP
import Store

/// `/v1/kv/:key`.
struct KeyValueRoutes {
    enum Limits {
        static let keyBytes = 4096
        static let valueBytes = 512 << 10
    }

    let cluster: any DiscoveryCluster

    static func read(_ key: String, _ query: HTTPQuery) throws(HTTPError) -> DiscoveryRead {
        let bytes = Array(key.utf8)
        if query.contains("keys") {
            try checkLength(key)
            let separator = query["separator"] ?? query["seperator"] ?? ""
            return .keys(prefix: bytes, separator: Array(separator.utf8))
        }
        if query.contains("recurse") {
            try checkLength(key)
            return .entries(prefix: bytes)
        }
        try check(key)
        return .entry(bytes, isRaw: query.contains("raw"))
    }

    /// What a watcher of the key, or with `recurse` of all that begin so, is told of.
    static func topic(_ key: String, _ query: HTTPQuery) throws(HTTPError) -> WatchTopic {
        if query.contains("recurse") {
            try checkLength(key)
            return .prefix(Array(key.utf8))
        }
        try check(key)
        return .key(Array(key.utf8))
    }

    nonisolated(nonsending) func put(_ key: String, _ request: HTTPRequest) async throws -> DiscoveryAnswer {
        try Self.check(key)
        let query = request.query
        let flags = try Self.number(query, "flags") ?? 0
        let expected = try Self.number(query, "cas")
        let conditions = ["cas", "acquire", "release"].filter(query.contains)
        guard conditions.count <= 1 else {
            throw HTTPError(.badRequest, "Conflicting flags: " + conditions.joined(separator: ", "))
        }
        let value: [UInt8]
        do {
            value = try await request.body.collect(upTo: Limits.valueBytes)
        } catch let error as HTTPError where error.status == .contentTooLarge {
            throw HTTPError(.contentTooLarge, "Request body too large, max size: \(Limits.valueBytes) bytes")
        }
        let operation: KeyValueCommand.Operation =
            switch conditions.first {
            case "cas": .checkAndSet
            case "acquire": .acquire
            case "release": .release
            default: .set
            }
        let session = operation.namesSession ? query[conditions[0]] ?? "" : ""
        return try await propose(
            KeyValueCommand.command(
                operation, key: Array(key.utf8), value: value, flags: flags, expected: expected ?? 0, session: session),
            session: session)
    }

    nonisolated(nonsending) func delete(_ key: String, _ request: HTTPRequest) async throws -> DiscoveryAnswer {
        let query = request.query
        let isTree = query.contains("recurse")
        let expected = try Self.number(query, "cas")
        if isTree, expected != nil { throw HTTPError(.badRequest, "Conflicting flags: recurse, cas") }
        if isTree { try Self.checkLength(key) } else { try Self.check(key) }
        return try await propose(
            KeyValueCommand.command(
                isTree ? .deleteTree : expected == nil ? .delete : .checkAndDelete, key: Array(key.utf8),
                expected: expected ?? 0))
    }

    private nonisolated(nonsending) func propose(
        _ command: Command, session: String = ""
    ) async throws -> DiscoveryAnswer {
        let (revision, output) = try await cluster.propose(command)
        switch output.first.flatMap(KeyValueCommand.Answer.init) {
        case .done: return DiscoveryAnswer(index: revision, body: Array("true".utf8))
        case .noSession: throw HTTPError(.internalServerError, "invalid session \"\(session)\"")
        case .refused, nil: return DiscoveryAnswer(index: revision, body: Array("false".utf8))
        }
    }

    static func check(_ key: String) throws(HTTPError) {
        guard !key.isEmpty else { throw HTTPError(.badRequest, "Missing key name") }
        try checkLength(key)
        // Few keys have two dots to look at closely.
        if key.utf8.contains(UInt8(ascii: ".")), key.split(separator: "/").contains("..") {
            throw HTTPError(.badRequest, "the key '\(key)' must not contain '..' as a part of its path")
        }
    }

    static func checkLength(_ key: String) throws(HTTPError) {
        guard key.utf8.count <= Limits.keyBytes else {
            throw HTTPError(.badRequest, "the key is longer than \(Limits.keyBytes) bytes")
        }
    }

    static func number(_ query: HTTPQuery, _ name: String) throws(HTTPError) -> UInt64? {
        guard let text = query[name] else { return nil }
        guard let number = UInt64(text) else {
            throw HTTPError(.badRequest, "query parameter '\(name)' must be a whole number, not '\(text)'")
        }
        return number
    }
}
