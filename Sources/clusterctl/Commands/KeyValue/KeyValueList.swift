import HTTP
import Platform

/// The keys.
enum KeyValueList: Command {
    static let syntax = Syntax(
        path: ["kv", "ls"], summary: "The keys, or those that begin with PREFIX",
        positionals: [.init("PREFIX", "how they begin", .optional)],
        options: [
            .flag("quiet", short: "q", "print only names"),
            .value(
                "separator", "TEXT", "print only names, each up to the first TEXT behind PREFIX, as folders are listed"),
        ] + KeyValueStore.consistency)

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let prefix = arguments.positionals.first ?? ""
        let mode = try KeyValueStore.consistency(arguments)
        let separator = arguments.value("separator")
        if separator != nil || arguments.flag("quiet") {
            let query = separator.map { [("separator", Optional($0))] } ?? []
            let keys = try await session.keyValueStore.keys(prefix, query + mode)
            if arguments.flag("quiet") {
                for key in keys { session.console.line(Terminal.harmless(key)) }
                return
            }
            return try session.show(
                Listing(
                    ["KEY": "Key"],
                    rows: keys.map { .init(cells: [Terminal.harmless($0)], object: .string($0), id: $0) }))
        }
        do {
            try session.show(listing(try await session.keyValueStore.entries(prefix, [("recurse", nil)] + mode)))
        } catch let error as EngineError where error.isNotFound {
            try session.show(listing([]))
        }
    }

    static func listing(_ entries: [KeyValueStore.Entry]) -> Listing {
        Listing(
            ["KEY": "Key", "SIZE": "Size", "INDEX": "ModifyIndex", "HELD BY": "Session"],
            rows: entries.map { entry in
                .init(
                    cells: [
                        Terminal.harmless(entry.key), ByteSize.decimal(Int64(entry.value.count)), "\(entry.modify)",
                        Terminal.harmless(entry.session ?? ""),
                    ], object: entry.raw, id: entry.key)
            })
    }
}
