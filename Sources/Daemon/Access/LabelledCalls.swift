import HTTP

/// The calls whose routes hold a token to the labels that its policy names (`Manager`'s `AccessView`). A rule with labels allows no
/// other: what comes later is refused until it is in this list.
enum LabelledCalls {
    private static let patterns: [(HTTPMethod, [CallPattern])] = [
        (
            .get,
            [
                "services", "services/*", "services/*/logs", "tasks", "tasks/*", "tasks/*/logs", "nodes", "nodes/*",
                "networks", "networks/*", "secrets", "secrets/*", "configs", "configs/*",
            ].map(CallPattern.init)
        ),
        (
            .post,
            [
                "services/create", "services/*/update", "nodes/*/update", "networks/create", "secrets/create",
                "secrets/*/update", "configs/create", "configs/*/update",
            ].map(CallPattern.init)
        ),
        (.delete, ["services/*", "nodes/*", "networks/*", "secrets/*", "configs/*"].map(CallPattern.init)),
    ]

    static func contain(_ method: HTTPMethod, _ path: String) -> Bool {
        let segments = CallPattern.segments(path)
        return patterns.contains { $0.0 == method && $0.1.contains { $0.matches(segments) } }
    }
}
