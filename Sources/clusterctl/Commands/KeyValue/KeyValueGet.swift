import HTTP
import Platform

/// The value of a key.
enum KeyValueGet: Command {
    static let syntax = Syntax(
        path: ["kv", "get"], summary: "Print the value of a key",
        positionals: [.init("KEY", "its name")],
        options: [.flag("raw", "the value's bytes as they are, without a line's end")] + KeyValueStore.consistency,
        notes: [
            "--format json and templates show the entry: {{.ModifyIndex}}, {{.LockIndex}}, {{.Session}}, {{.Flags}}."
        ])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let key = arguments.positionals[0]
        let entries: [KeyValueStore.Entry]
        do {
            entries = try await session.keyValueStore.entries(key, try KeyValueStore.consistency(arguments))
        } catch let error as EngineError where error.isNotFound {
            throw Failure("no such key: \(key)", hint: "'clusterctl kv ls' lists what is there.")
        }
        guard let entry = entries.first else { throw Failure("no such key: \(key)") }
        if arguments.flag("raw") {
            session.console.write(entry.value, to: .output)
        } else if case .table = session.format {
            session.console.write(entry.value + [UInt8(ascii: "\n")], to: .output)
        } else if case .template = session.format {
            // A list's fields are there also where the answer has none: a key that nobody holds has an empty Session.
            try session.show(KeyValueList.listing([entry]))
        } else {
            try session.show([entry.raw])
        }
    }
}

extension Session {
    var keyValueStore: KeyValueStore { KeyValueStore(engine: engine) }
}
