import HTTP

/// The calls that change nothing and give no secret away. What is not in the list is not for those who may only look: tokens and
/// the unlock key (`/swarm`), backups, secrets, exec, attach, files out of containers.
enum ReadOnlyCalls {
    /// `*` stands for one segment, `**` for any number of them.
    private static let patterns: [[String]] = [
        "_ping", "version", "info", "events", "metrics", "system/df",
        "services", "services/*", "services/*/logs", "tasks", "tasks/*", "tasks/*/logs", "nodes", "nodes/*",
        "networks", "networks/*", "configs", "configs/*", "volumes", "volumes/*",
        "containers/json", "containers/*/json", "containers/*/logs", "containers/*/stats", "containers/*/top",
        "images/json", "images/**/json", "images/**/history", "distribution/**/json",
        "v1/kv", "v1/kv/**", "v1/session/list", "v1/session/info/*", "v1/session/node/*", "v1/status/*",
        "v1/catalog/**", "v1/health/**",
    ].map { $0.split(separator: "/").map(String.init) }

    static func contain(_ method: HTTPMethod, _ path: String) -> Bool {
        guard method == .get || method == .head, path.hasPrefix("/") else { return false }
        var segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)[...]
        if let first = segments.first, isVersion(first) { segments = segments.dropFirst() }
        return patterns.contains { matches($0[...], segments) }
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
