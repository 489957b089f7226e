import HTTP
import Model
import Platform

/// What the commands of secrets and those of configs do alike.
enum FileCommands {
    static let createOptions: [Syntax.Option] = [.repeated("label", short: "l", "KEY=VALUE", "a label")]
    static let listOptions: [Syntax.Option] = [
        .repeated("filter", short: "f", "KEY=VALUE", "only these: id, name, label"),
        .flag("quiet", short: "q", "print only ids"),
    ]
    static let names = Syntax.Positional("NAME", "name, id, or unique beginning of one", .many)

    static func create(_ kind: FileKind, _ arguments: Arguments, _ session: Session) async throws {
        let name = arguments.positionals[0]
        let spec = FileSpec(
            name: name, labels: try arguments.pairs("label") ?? [:], data: try data(kind, arguments.positionals[1]))
        if let newest = try await StoredFiles.load(kind, session).versions(of: name).last {
            throw Failure(
                "the \(kind.rawValue) \(name) exists already" + (newest.number > 1 ? " (as \(newest.spec.name))" : ""),
                hint: "Give it another value: 'clusterctl \(kind.rawValue) update \(name) FILE'.")
        }
        session.console.line(try await create(kind, spec, session))
    }

    static func create(_ kind: FileKind, _ spec: FileSpec, _ session: Session) async throws -> String {
        try await session.engine.fetch(Created.self, [kind.plural, "create"], method: .post, json: spec).id
    }

    /// The bytes of a file, or of standard input where it is `-`; as many as may be.
    static func data(_ kind: FileKind, _ path: String) throws -> [UInt8] {
        let bytes = try Upload(path: path).bytes(upTo: FileKind.dataBytes)
        guard !bytes.isEmpty else { throw Failure("\(path) is empty: a \(kind.rawValue) has at least one byte") }
        guard bytes.count < FileKind.dataBytes else {
            throw Failure("\(path) is too long: a \(kind.rawValue) has less than \(FileKind.dataBytes) bytes")
        }
        return bytes
    }

    static func list(_ kind: FileKind, _ arguments: Arguments, _ session: Session) async throws {
        var filters: [String: [String]] = [:]
        for word in arguments.values("filter") {
            let pair = word.split(separator: "=", maxSplits: 1).map(String.init)
            guard pair.count == 2, ["id", "name", "label"].contains(pair[0]) else {
                throw arguments.invalid("filter", word, "id=..., name=... or label=...")
            }
            filters[pair[0], default: []].append(pair[1])
        }
        var query: [(String, String?)] = []
        if !filters.isEmpty { query.append(("filters", String(decoding: try HTTPJSON.encode(filters), as: UTF8.self))) }
        let files = try await session.engine.fetch([Fetched<StoredFile>].self, [kind.plural], query: query)
        let listing = listing(files, now: session.now)
        if arguments.flag("quiet") { session.console.write(listing.ids) } else { try session.show(listing) }
    }

    static func listing(_ files: [Fetched<StoredFile>], now: Timestamp) -> Listing {
        Listing(
            ["ID": "ID", "NAME": "Name", "CREATED": "CreatedAt", "UPDATED": "UpdatedAt"],
            rows: files.sorted { $0.value.spec.name < $1.value.spec.name }.map { file in
                let value = file.value
                return .init(
                    cells: [
                        value.id.shortened, value.spec.name, DurationText.ago(value.createdAt, now: now),
                        DurationText.ago(value.updatedAt, now: now),
                    ], object: file.raw, id: value.id)
            })
    }

    static func inspect(_ kind: FileKind, _ arguments: Arguments, _ session: Session) async throws {
        let files = try await StoredFiles.load(kind, session)
        var objects: [JSONValue] = []
        for name in arguments.positionals {
            objects.append(try await session.engine.fetch(JSONValue.self, [kind.plural, try files.find(name).id]))
        }
        try session.show(objects)
    }

    /// An object that is named exactly so goes, whatever later versions it has.
    static func remove(_ kind: FileKind, _ arguments: Arguments, _ session: Session) async throws {
        try await session.forEach(arguments.positionals) { name in
            try await session.engine.call(.delete, [kind.plural, name])
            session.console.line(name)
        }
    }
}
