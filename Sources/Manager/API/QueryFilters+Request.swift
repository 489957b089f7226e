internal import HTTP
internal import Model

/// The `filters` of a list call, as the routes ask for them.
extension QueryFilters {
    /// - Throws: `HTTPError` 400 for anything but the two forms, and for a filter that is not in `known`.
    init(_ request: HTTPRequest, known: Set<String>) throws(HTTPError) {
        guard let filters = QueryFilters(request.query["filters"]) else {
            throw HTTPError(
                .badRequest, "invalid filter: expected {\"name\":{\"value\":true}} or {\"name\":[\"value\"]}")
        }
        if let unknown = filters.names(besides: known).first {
            throw HTTPError(.badRequest, "invalid filter '\(unknown)'")
        }
        self = filters
    }

    /// Whether a filter is absent, or one of its values does.
    func allow(_ name: String, _ matches: (String) -> Bool) -> Bool { self[name]?.contains(where: matches) ?? true }

    /// Whether an id begins with one of the values.
    func allowID(_ id: String) -> Bool { allow("id") { id.hasPrefix($0) } }
}
