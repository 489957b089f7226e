import HTTP
import Store

/// `/v1/kv/:key`.
struct KeyValueRoutes {
    enum Limits {
        static let keyBytes = 4096
        static let valueBytes = 512 << 10
    }

    let cluster: any DiscoveryCluster

    func get(_ key: String, _ request: HTTPRequest) throws -> DiscoveryAnswer {
        let query = request.query
        let part = cluster.store.snapshot.part(KeyValueState.self)
        let prefix = Array(key.utf8)[...]
        if query.contains("keys") {
            return Self.keys(part, prefix, separator: query["separator"] ?? query["seperator"] ?? "")
        }
        if query.contains("recurse") { return Self.entries(part, prefix) }
        try Self.check(key)
        let found = part.version(of: prefix)
        var answer = DiscoveryAnswer(index: found?.modify ?? part.forgotten)
        guard let found, !found.isDeleted else {
            answer.status = .notFound
            return answer
        }
        if query.contains("raw") {
            answer.contentType = "text/plain; charset=utf-8"
            answer.body = Array(found.value)
            return answer
        }
        var json = EntryJSON()
        json.append(found)
        answer.body = json.finished
        return answer
    }

    private static func entries(_ part: KeyValueState, _ prefix: ArraySlice<UInt8>) -> DiscoveryAnswer {
        var answer = DiscoveryAnswer(index: part.forgotten)
        var json = EntryJSON()
        part.forEach(prefix: prefix) { version in
            answer.index = max(answer.index, version.modify)
            if !version.isDeleted { json.append(version) }
        }
        if json.isEmpty { answer.status = .notFound } else { answer.body = json.finished }
        return answer
    }

    private static func keys(
        _ part: KeyValueState, _ prefix: ArraySlice<UInt8>, separator: String
    ) -> DiscoveryAnswer {
        var answer = DiscoveryAnswer(index: part.forgotten)
        var keys: [String] = []
        let separator = Array(separator.utf8)
        part.forEach(prefix: prefix) { version in
            answer.index = max(answer.index, version.modify)
            guard !version.isDeleted else { return }
            var key = version.key
            if !separator.isEmpty, let range = key.dropFirst(prefix.count).firstRange(of: separator) {
                key = key[..<range.upperBound]
            }
            let text = String(decoding: key, as: UTF8.self)
            if keys.last.map({ !$0.utf8.elementsEqual(text.utf8) }) ?? true { keys.append(text) }
        }
        if keys.isEmpty {
            answer.status = .notFound
        } else {
            var json = EntryJSON()
            for key in keys { json.append(key) }
            answer.body = json.finished
        }
        return answer
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
        if !isTree { try Self.check(key) }
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

    private static func check(_ key: String) throws(HTTPError) {
        guard !key.isEmpty else { throw HTTPError(.badRequest, "Missing key name") }
        guard key.utf8.count <= Limits.keyBytes else {
            throw HTTPError(.badRequest, "the key is longer than \(Limits.keyBytes) bytes")
        }
        if key.split(separator: "/").contains("..") {
            throw HTTPError(.badRequest, "the key '\(key)' must not contain '..' as a part of its path")
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
