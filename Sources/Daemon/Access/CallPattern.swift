/// Calls by their paths as they come, not decoded: what does not look like the pattern is not what it allows.
struct CallPattern: Sendable {
    private let segments: [String]

    /// `*` stands for one segment, `**` for any number of them.
    init(_ text: String) { segments = text.split(separator: "/").map(String.init) }

    /// The segments of a path, without the version of the API; none of what is no path.
    static func segments(_ path: String) -> ArraySlice<Substring> {
        guard path.hasPrefix("/") else { return [] }
        return withoutVersion(path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)[...])
    }

    /// `v1.41` is one; `v1` is Consul's.
    static func withoutVersion(_ segments: ArraySlice<Substring>) -> ArraySlice<Substring> {
        guard let first = segments.first, first.first == "v", APIVersion(first.dropFirst()) != nil else {
            return segments
        }
        return segments.dropFirst()
    }

    /// Whether a path with these `segments` is one of it.
    func matches(_ given: ArraySlice<Substring>) -> Bool { Self.matches(segments[...], given) }

    private static func matches(_ pattern: ArraySlice<String>, _ segments: ArraySlice<Substring>) -> Bool {
        guard let first = pattern.first else { return segments.isEmpty }
        if first == "**" {
            // At most one of them a pattern, with a single word behind it.
            let rest = pattern.dropFirst()
            return segments.count >= rest.count && matches(rest, segments.suffix(rest.count))
        }
        guard let segment = segments.first, first == "*" ? !segment.isEmpty : segment == first else { return false }
        return matches(pattern.dropFirst(), segments.dropFirst())
    }
}
