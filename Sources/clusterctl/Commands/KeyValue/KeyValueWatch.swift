import HTTP
import Platform

/// Follows changes.
enum KeyValueWatch: Command {
    /// Bytes of one line: the changes of one transaction.
    private static let lineLimit = 256 << 20
    /// Characters of a value in a line that a person reads.
    private static let valueLength = 200

    static let syntax = Syntax(
        path: ["kv", "watch"], summary: "Follow the changes of a key, line by line, in order, each once",
        positionals: [.init("KEY", "its name; with --recurse how the names begin", .optional)],
        options: [
            .flag("recurse", "all keys that begin with KEY, or all there are"),
            .value("revision", "REVISION", "begin with the changes of that revision instead of those to come"),
            .value("count", "NUMBER", "end after so many changes"),
        ],
        notes: [
            "Prints REVISION, set or delete, KEY and the value. With --format json each line is one transaction: its "
                + "Revision, and its Changes. Begin again behind the last Revision to miss nothing.",
            "Ends with 'compacted' where the changes asked for are not kept any more.",
        ])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let key = arguments.positionals.first ?? ""
        let isRecursive = arguments.flag("recurse")
        guard isRecursive || !key.isEmpty else { throw arguments.usage("KEY is missing; for all keys write --recurse") }
        var query: [(String, String?)] = isRecursive ? [("recurse", nil)] : []
        if let revision = try arguments.integer("revision", in: 1...Int.max) {
            query.append(("revision", "\(revision)"))
        }
        var left = try arguments.integer("count", in: 1...Int.max) ?? .max
        let response = try await session.keyValueStore.watch(key, query)
        var pending: [UInt8] = []
        for try await piece in response.body {
            pending += piece
            guard pending.count <= lineLimit else { throw Failure("a line of the daemon's answer is too long") }
            while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(pending[..<end])
                pending.removeFirst(end + 1)
                try show(line, &left, session)
                if left == 0 { return }
            }
        }
        throw Failure("the daemon ended the watch", hint: "Begin again: --revision names where.")
    }

    private static func show(_ line: [UInt8], _ left: inout Int, _ session: Session) throws {
        let event = try HTTPJSON.decode(JSONValue.self, from: line)
        if let message = event["Error"]?.text { throw Failure(Terminal.harmless(message)) }
        guard let changes = event["Changes"]?.array, !changes.isEmpty else { return }
        switch session.format {
        case .table:
            for change in changes.prefix(left) {
                session.console.line(text(event["Revision"]?.integer ?? 0, change))
            }
        case .json: session.console.line(event.compact)
        case .template(let template): session.console.line(try template.line(cells: [:], object: event))
        }
        left -= min(left, changes.count)
    }

    static func text(_ revision: Int64, _ change: JSONValue) -> String {
        let kind = change["Type"]?.text ?? ""
        let entry = change["KV"].flatMap(KeyValueStore.Entry.init)
        let words = "\(revision) \(kind) \(Terminal.harmless(entry?.key ?? ""))"
        guard kind == "set", let entry else { return words }
        let value = Terminal.harmless(String(decoding: entry.value.prefix(4 * valueLength), as: UTF8.self))
        let holder = entry.session.map { " (held by \(Terminal.harmless($0)))" } ?? ""
        return words + holder + " " + value.prefix(valueLength)
    }
}
