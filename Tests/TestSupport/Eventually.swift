internal import Platform
public import Testing

/// Asks again every few milliseconds until the condition holds; records an issue at the caller when it never does.
@discardableResult
public nonisolated(nonsending) func eventually(
    within timeout: Duration = .seconds(10), _ comment: Comment? = nil,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws -> Bool {
    let deadline = ContinuousClock.now + timeout
    var pause = Duration.milliseconds(1)
    while true {
        if try await condition() { return true }
        guard ContinuousClock.now < deadline else {
            Issue.record(comment ?? "not within \(timeout)", sourceLocation: sourceLocation)
            return false
        }
        try await Task.sleep(for: pause)
        pause = min(pause * 2, .milliseconds(50))
    }
}
