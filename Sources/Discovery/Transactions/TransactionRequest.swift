import HTTP

/// The operations that a client asks for by `PUT /v1/txn`.
struct TransactionRequest {
    enum Limits {
        static let operations = 128
        /// Of the JSON, values in base64.
        static let bodyBytes = 1 << 20
        static let sessionBytes = 255
    }

    let operations: [TransactionOperation]

    var isReadOnly: Bool { operations.allSatisfy(\.verb.isRead) }

    /// - Throws: `HTTPError` 400 or 413 that says which operation is wrong.
    init(parsing body: [UInt8]) throws(HTTPError) {
        guard case .array(let items) = try LooseJSON.parse(body) else {
            throw HTTPError(.badRequest, "Failed to parse body: a list of operations is wanted")
        }
        guard items.count <= Limits.operations else {
            throw HTTPError(
                .contentTooLarge,
                "Transaction contains too many operations (\(items.count) > \(Limits.operations))")
        }
        var operations: [TransactionOperation] = []
        for (index, item) in items.enumerated() {
            do {
                operations.append(try Self.operation(item))
            } catch {
                throw HTTPError(error.status, "operation \(index): \(error.message)")
            }
        }
        self.operations = operations
    }

    private static func operation(_ item: LooseJSON) throws(HTTPError) -> TransactionOperation {
        guard let change = item.member("kv"), case .object = change else {
            throw HTTPError(.badRequest, "only KV operations are understood: {\"KV\":{\"Verb\":...}}")
        }
        let text = try change.string("verb") ?? ""
        guard let verb = TransactionOperation.Verb(text: text) else {
            let verbs = TransactionOperation.Verb.allCases.map(\.text).joined(separator: ", ")
            throw HTTPError(.badRequest, "unknown verb '\(text)': one of \(verbs)")
        }
        let key = try change.string("key") ?? ""
        if verb.isTree { try KeyValueRoutes.checkLength(key) } else { try KeyValueRoutes.check(key) }
        var operation = TransactionOperation(verb: verb, key: Array(key.utf8))
        operation.flags = try change.unsigned("flags") ?? 0
        operation.index = try change.unsigned("index") ?? 0
        operation.session = try change.string("session") ?? ""
        guard operation.session.utf8.count <= Limits.sessionBytes else {
            throw HTTPError(.badRequest, "'session' is longer than \(Limits.sessionBytes) bytes")
        }
        if let value = try change.string("value") {
            guard let bytes = Base64.decode(value) else { throw HTTPError(.badRequest, "'value' is not base64") }
            guard bytes.count <= KeyValueRoutes.Limits.valueBytes else {
                throw HTTPError(
                    .contentTooLarge, "the value is larger than \(KeyValueRoutes.Limits.valueBytes) bytes")
            }
            operation.value = bytes
        }
        return operation
    }
}
