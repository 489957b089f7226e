import HTTP

/// Sets a key.
enum KeyValuePut: Command {
    static let syntax = Syntax(
        path: ["kv", "put"], summary: "Set a key",
        positionals: [.init("KEY", "its name"), .init("VALUE", "its value, unless --input has it", .optional)],
        options: [
            .value("input", short: "i", "FILE", "read the value from a file, or - for standard input"),
            .value("cas", "INDEX", "only if its ModifyIndex is INDEX; 0: only if it does not exist"),
            .value("flags", "NUMBER", "a number of your own that is kept with it"),
            .value("acquire", "SESSION", "have the session hold it, unless another one does"),
            .value("release", "SESSION", "let go of it, if the session holds it"),
        ],
        notes: [
            "A value that begins with a dash stands behind two: clusterctl kv put KEY -- -1.",
            "Exits 1 where the condition does not hold; nothing is changed then.",
        ])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let key = arguments.positionals[0]
        let conditions = ["cas", "acquire", "release"].filter { arguments.value($0) != nil }
        guard conditions.count <= 1 else {
            throw arguments.usage(
                "only one of " + conditions.map { "--" + $0 }.joined(separator: ", ") + " can be given")
        }
        var query: [(String, String?)] = []
        for name in conditions + ["flags"] {
            guard let text = arguments.value(name) else { continue }
            if name == "cas" || name == "flags", UInt64(text) == nil {
                throw arguments.invalid(name, text, "a whole number from 0 up")
            }
            query.append((name, text))
        }
        guard try await session.keyValueStore.change(.put, key, query, body: try body(arguments, session)) else {
            throw refused(key, conditions.first, arguments)
        }
        session.console.line(key)
    }

    private static func body(_ arguments: Arguments, _ session: Session) throws -> HTTPBody {
        let value = arguments.positionals.dropFirst().first
        switch (value, arguments.value("input")) {
        case (let value?, nil): return HTTPBody(value)
        case (nil, let path?): return try Upload(path: path).body(progress: nil)
        case (nil, nil): throw arguments.usage("VALUE is missing; for an empty one write ''")
        case (_?, _?): throw arguments.usage("VALUE and --input exclude each other")
        }
    }

    private static func refused(_ key: String, _ condition: String?, _ arguments: Arguments) -> Failure {
        switch condition {
        case "cas" where arguments.value("cas") == "0":
            Failure("\(key) exists already; nothing was changed")
        case "cas":
            Failure(
                "\(key) is not at index \(arguments.value("cas") ?? "") any more; nothing was changed",
                hint: "Look at it again: 'clusterctl kv get \(key) --format json' shows its ModifyIndex.")
        case "acquire":
            Failure(
                "\(key) is held by another session, or its last holder's lock delay is not over; nothing was changed")
        case "release": Failure("\(key) is not held by that session; nothing was changed")
        default: Failure("\(key) was not changed")
        }
    }
}
