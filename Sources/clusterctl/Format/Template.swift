/// A line with fields in it: `{{.ID}}\t{{.Spec.Name}}`, `{{json .}}`; the simple part of Docker's templates.
struct Template: Sendable {
    private enum Part: Sendable {
        case text(String)
        case field([String], asJSON: Bool)
    }

    private let parts: [Part]

    /// - Throws: `UsageError` for an open `{{`, or something between braces that is no field.
    init(_ text: String) throws(UsageError) {
        var parts: [Part] = []
        var rest = text[...]
        while let open = rest.firstRange(of: "{{") {
            parts.append(.text(Self.unescaped(rest[..<open.lowerBound])))
            rest = rest[open.upperBound...]
            guard let close = rest.firstRange(of: "}}") else { throw UsageError("--format: '{{' without '}}'") }
            parts.append(try Self.field(rest[..<close.lowerBound]))
            rest = rest[close.upperBound...]
        }
        parts.append(.text(Self.unescaped(rest)))
        self.parts = parts
    }

    /// - Parameter cells: what the table shows, by field name; looked at before the object itself.
    /// - Throws: `UsageError` that names a field that neither has; one farther in that is absent is empty.
    func line(cells: [String: String], object: JSONValue) throws(UsageError) -> String {
        var line = ""
        for part in parts {
            switch part {
            case .text(let text): line += text
            case .field(let path, let asJSON):
                if !asJSON, path.count == 1, let cell = cells[path[0]] {
                    line += cell
                } else {
                    let value = try Self.value(path, in: object, cells)
                    line += asJSON ? value.compact : value.plain
                }
            }
        }
        return line
    }

    private static func value(
        _ path: [String], in object: JSONValue, _ cells: [String: String]
    ) throws(UsageError) -> JSONValue {
        var value = object
        for (depth, name) in path.enumerated() {
            guard case .object(let members) = value, let next = members[name] else {
                // Farther in, what was never said is absent: it has no value, as in Docker's templates.
                if depth > 0, value.isObjectOrNull { return .null }
                let names = known(object, cells).joined(separator: " ")
                throw UsageError("--format: no field .\(path.joined(separator: ".")): there are \(names)")
            }
            value = next
        }
        return value
    }

    private static func known(_ object: JSONValue, _ cells: [String: String]) -> [String] {
        guard case .object(let members) = object else { return cells.keys.sorted() }
        return Set(cells.keys).union(members.keys).sorted()
    }

    private static func field(_ text: Substring) throws(UsageError) -> Part {
        var words = text.split(separator: " ")
        let asJSON = words.count == 2 && words[0] == "json"
        if asJSON { words.removeFirst() }
        guard words.count == 1, words[0].hasPrefix(".") else {
            throw UsageError("--format: '{{\(text)}}' is no field; write {{.Name}}, {{.Spec.Name}} or {{json .}}")
        }
        return .field(words[0].split(separator: ".").map(String.init), asJSON: asJSON || words[0] == ".")
    }

    private static func unescaped(_ text: Substring) -> String {
        String(text).replacing("\\t", with: "\t").replacing("\\n", with: "\n")
    }
}
