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

    nonisolated(nonsending) func put(_ key: String, _ request: HTTPRequest) async throws -> DiscoveryAnswer {
        try Self.check(key)
        let query = request.query
        if query.contains("acquire") || query.contains("release") {
            throw HTTPError(.notImplemented, "sessions are not served yet: acquire and release cannot be used")
        }
        let flags = try Self.number(query, "flags") ?? 0
        let expected = try Self.number(query, "cas")
        let value: [UInt8]
        do {
            value = try await request.body.collect(upTo: Limits.valueBytes)
        } catch let error as HTTPError where error.status == .contentTooLarge {
            throw HTTPError(.contentTooLarge, "Request body too large, max size: \(Limits.valueBytes) bytes")
        }
        return try await propose(
            KeyValueCommand.command(
                expected == nil ? .set : .checkAndSet, key: Array(key.utf8), value: value, flags: flags,
                expected: expected ?? 0))
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

    private nonisolated(nonsending) func propose(_ command: Command) async throws -> DiscoveryAnswer {
        switch try CommandResult(decoding: try await cluster.proposer.propose(command.encoded)) {
        case .applied(let revision, let output):
            return DiscoveryAnswer(index: revision, body: Array((output.first == 1 ? "true" : "false").utf8))
        case .conflict(let conflict): throw StoreError(conflict)
        }
    }

    static func check(_ key: String) throws(HTTPError) {
        guard !key.isEmpty else { throw HTTPError(.badRequest, "Missing key name") }
        try checkLength(key)
        if key.split(separator: "/").contains("..") {
            throw HTTPError(.badRequest, "the key '\(key)' must not contain '..' as a part of its path")
        }
    }

    private static func checkLength(_ key: String) throws(HTTPError) {
        guard key.utf8.count <= Limits.keyBytes else {
            throw HTTPError(.badRequest, "the key is longer than \(Limits.keyBytes) bytes")
        }
    }

    private static func number(_ query: HTTPQuery, _ name: String) throws(HTTPError) -> UInt64? {
        guard let text = query[name] else { return nil }
        guard let number = UInt64(text) else {
            throw HTTPError(.badRequest, "query parameter '\(name)' must be a whole number, not '\(text)'")
        }
        return number
    }
}
