import HTTP
import Platform

/// Several operations, all or none.
enum KeyValueTransaction: Command {
    /// What the daemon takes.
    private static let bodyLimit = 1 << 20

    static let syntax = Syntax(
        path: ["kv", "txn"], summary: "Do several operations on keys, all or none",
        positionals: [.init("FILE", "JSON, or - for standard input", .optional)],
        notes: [
            "The JSON is a list of operations: [{\"KV\":{\"Verb\":\"set\",\"Key\":\"a\",\"Value\":\"aGVsbG8=\"}}, ...], values in base64. "
                + "Verbs: set cas lock unlock get get-or-empty get-tree check-index check-session check-not-exists delete "
                + "delete-tree delete-cas.",
            "Exits 1 where one does not hold; nothing is changed then.",
        ])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let body = try await Upload(path: arguments.positionals.first ?? "-").body(progress: nil)
            .collect(upTo: bodyLimit)
        let response = try await session.engine.open(
            .put, ["txn"], headers: ["Content-Type": "application/json"], body: HTTPBody(body), api: KeyValueStore.api,
            accepting: [409])
        let answer = try await response.decode(JSONValue.self)
        if let errors = answer["Errors"]?.array, !errors.isEmpty {
            let words = errors.map { error in
                "operation \(error["OpIndex"]?.integer ?? 0): \(Terminal.harmless(error["What"]?.text ?? ""))"
            }
            throw Failure("nothing was changed\n" + words.joined(separator: "\n"))
        }
        let results = (answer["Results"]?.array ?? []).compactMap { $0["KV"] }
        try session.show(KeyValueList.listing(results.compactMap(KeyValueStore.Entry.init)))
    }
}
