/// How results are printed.
enum OutputFormat: Sendable {
    case table
    case json
    case template(Template)

    /// - Throws: `UsageError` for a word that is no format and no template.
    init(_ text: String?) throws(UsageError) {
        switch text {
        case nil, "table": self = .table
        case "json": self = .json
        case let text?:
            guard text.contains("{{") else {
                throw UsageError("--format '\(text)': wanted is table, json or a template such as '{{.ID}}'")
            }
            self = .template(try Template(text))
        }
    }
}
