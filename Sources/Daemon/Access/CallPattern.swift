/// Calls by their paths as they come, not decoded: what does not look like the pattern is not what it allows.
struct CallPattern: Sendable {
    private let segments: [String]

    /// `*` stands for one segment, `**` for any number of them.
    init(_ text: String) { segments = text.split(separator: "/").map(String.init) }

    func matches(_ path: String) -> Bool {
        guard path.hasPrefix("/") else { return false }
        var given = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)[...]
        if let first = given.first, Self.isVersion(first) { given = given.dropFirst() }
        return Self.matches(segments[...], given)
    }

    /// `v1.41`; `v1` is Consul's.
    static func isVersion(_ segment: Substring) -> Bool {
        let parts = segment.dropFirst().split(separator: ".", omittingEmptySubsequences: false)
        return segment.first == "v" && parts.count == 2 && parts.allSatisfy { Int($0) != nil }
    }

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
