import HTTP

/// The calls that change nothing and give no secret away. What is not in the list is not for those who may only look: tokens and
/// the unlock key (`/swarm`), backups, secrets, exec, attach, files out of containers.
enum ReadOnlyCalls {
    private static let patterns: [CallPattern] = [
        "_ping", "version", "info", "events", "metrics", "system/df",
        "services", "services/*", "services/*/logs", "tasks", "tasks/*", "tasks/*/logs", "nodes", "nodes/*",
        "networks", "networks/*", "configs", "configs/*", "volumes", "volumes/*",
        "containers/json", "containers/*/json", "containers/*/logs", "containers/*/stats", "containers/*/top",
        "images/json", "images/**/json", "images/**/history", "distribution/**/json",
        "v1/kv", "v1/kv/**", "v1/session/list", "v1/session/info/*", "v1/session/node/*", "v1/status/*",
        "v1/catalog/**", "v1/health/**",
    ].map(CallPattern.init)

    static func contain(_ method: HTTPMethod, _ path: String) -> Bool {
        guard method == .get || method == .head else { return false }
        let segments = CallPattern.segments(path)
        return patterns.contains { $0.matches(segments) }
    }
}
