/// A route's path, taken apart: `/services/{id}/update`, `/v{version}/info`, `/images/{name...}/json`.
struct RoutePattern: Sendable {
    enum Segment: Sendable, Hashable {
        case literal(String)
        /// `{name}`, or `prefix{name}`: one segment, not empty behind the prefix.
        case capture(prefix: String, name: String)
        /// `{name...}`: any number of segments. Only literals may follow.
        case rest(name: String)
    }

    let text: String
    let segments: [Segment]

    /// Patterns are the programmer's: a bad one traps at registration.
    init(_ text: String) {
        precondition(text.hasPrefix("/"), "route pattern '\(text)' must begin with a slash")
        self.text = text
        segments = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map { part in
            guard let open = part.firstIndex(of: "{") else { return .literal(String(part)) }
            precondition(part.last == "}", "route pattern '\(text)': a capture must end its segment")
            let name = part[part.index(after: open)...].dropLast()
            guard name.hasSuffix("...") else { return .capture(prefix: String(part[..<open]), name: String(name)) }
            precondition(open == part.startIndex, "route pattern '\(text)': '...' takes whole segments")
            return .rest(name: String(name.dropLast(3)))
        }
        if let rest = segments.firstIndex(where: { if case .rest = $0 { true } else { false } }) {
            for segment in segments[(rest + 1)...] {
                guard case .literal = segment else {
                    preconditionFailure("route pattern '\(text)': only literals may follow '...'")
                }
            }
        }
    }
}
